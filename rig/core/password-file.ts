/** A password in a file of its own: the file holds it and nothing else, but for a line end. */
import { readFileSync } from "node:fs";
import { StorageError } from "./errors.js";

/** @throws StorageError "storage/unreadable" or "storage/empty" */
export function readPasswordFile(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new StorageError(
      "storage/unreadable",
      `cannot read the password file ${file}: ${(cause as Error).message}`,
      { cause, hint: "check the path, the owner and the mode of the file" },
    );
  }
  const password = text.replace(/\r?\n$/, "");
  if (password !== "") return password;
  throw new StorageError("storage/empty", `the password file ${file} is empty`, {
    hint: "put the broker's password into it",
  });
}
