/** The certificate of the authority that signed the broker's, for broker.caFile: PEM, one or several. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { StorageError } from "./errors.js";

/** A certificate with all that follows it up to the next one, so that one without an end is seen. */
const CERTIFICATE = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----.*?(?=-----BEGIN |$)/gs;

/** @returns the file's text, every certificate of which can be read. @throws StorageError "storage/unreadable" or "storage/damaged" */
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
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) throw damaged(file, "has no certificate in it");
  certificates.forEach((certificate, index) => {
    try {
      new X509Certificate(certificate);
    } catch (cause) {
      const place = `${index + 1} of ${certificates.length}`;
      throw damaged(file, `has a certificate in it that cannot be read, number ${place}`, cause);
    }
  });
  return text;
}

function damaged(file: string, problem: string, cause?: unknown): StorageError {
  return new StorageError("storage/damaged", `the certificate file ${file} ${problem}`, {
    cause,
    hint: "broker.caFile is a PEM file: each certificate goes from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----",
  });
}
