/** The certificate of the authority that signed the broker's, for broker.caFile: PEM, one or several. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { StorageError } from "./errors.js";

/** @returns the file's text. @throws StorageError "storage/unreadable" or "storage/damaged" */
export function readAuthorityFile(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, "latin1");
  } catch (cause) {
    throw new StorageError(
      "storage/unreadable",
      `cannot read the certificate file ${file}: ${(cause as Error).message}`,
      { cause, hint: "check broker.caFile, the owner and the mode of the file" },
    );
  }
  try {
    new X509Certificate(text);
  } catch (cause) {
    throw new StorageError("storage/damaged", `the certificate file ${file} has no certificate in it`, {
      cause,
      hint: "broker.caFile is a PEM file: it begins with -----BEGIN CERTIFICATE-----",
    });
  }
  return text;
}
