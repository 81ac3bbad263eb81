/** The embedded broker's password, made at the first start: `<data>/broker.password`, mode 600. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { keepAside, makePrivateDirectory, tighten, writeDurably } from "../core/durable-file.js";
import { StorageError } from "../core/errors.js";

const PASSWORD_BYTES = 24;
const PASSWORD_TEXT = /^[A-Za-z0-9_-]{32}\n$/;

/**
 * @returns notices: what the person at the bench should know, one sentence each
 * @throws StorageError "storage/damaged": the file was then moved aside; or "storage/unwritable"
 */
export function openBrokerPassword(dataDirectory: string): { password: string; notices: string[] } {
  const file = path.join(dataDirectory, "broker.password");
  if (!existsSync(file)) {
    makePrivateDirectory(dataDirectory);
    writeDurably(file, `${randomBytes(PASSWORD_BYTES).toString("base64url")}\n`);
  }
  const text = readFileSync(file, "utf8");
  if (PASSWORD_TEXT.test(text)) return { password: text.trimEnd(), notices: tighten(file, 0o600) };
  const aside = keepAside(file);
  throw new StorageError("storage/damaged", `the password file ${file} is damaged; it is kept as ${aside}`, {
    hint: "put a good copy back, or start again to have a new password made",
  });
}
