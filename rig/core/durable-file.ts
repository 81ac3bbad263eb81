/**
 * Small files that must survive a kill or a power cut whole: written aside, flushed, then renamed into place, so that a
 * reader sees the old contents or the new ones, never a mixture. Files are made with mode 600 (no effect on Windows).
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, writeFileSync } from "node:fs";
import { StorageError } from "./errors.js";

const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_DIRECTORY = 0o700;

/** Makes the directory and its parents, readable by the owner alone. */
export function makePrivateDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: OWNER_ONLY_DIRECTORY });
  } catch (cause) {
    throw new StorageError(
      "storage/unwritable",
      `cannot make the directory ${directory}: ${(cause as Error).message}`,
      {
        cause,
        hint: "check that the path of --data is right and writable",
      },
    );
  }
}

/**
 * Replaces the file's contents as one step.
 * @throws StorageError "storage/unwritable"; the old contents are then still there.
 */
export function writeDurably(file: string, contents: string | Uint8Array): void {
  const aside = `${file}.new`;
  try {
    const descriptor = openSync(aside, "w", OWNER_ONLY_FILE);
    try {
      writeFileSync(descriptor, contents);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(aside, file);
  } catch (cause) {
    throw new StorageError("storage/unwritable", `cannot write ${file}: ${(cause as Error).message}`, {
      cause,
      hint: "check that the disk is not full and the directory is writable",
    });
  }
}

/**
 * Makes a rename in the directory survive a power cut, for what must never go back to its old contents.
 * Does nothing on Windows, where a directory cannot be flushed.
 */
export function flushDirectory(directory: string): void {
  if (process.platform === "win32") return;
  try {
    const descriptor = openSync(directory, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    throw new StorageError("storage/unwritable", `cannot flush ${directory}: ${(cause as Error).message}`, {
      cause,
      hint: "check the disk",
    });
  }
}

/**
 * Moves a damaged file out of the way, never over another one, so that nothing in it is lost.
 * @returns where it is now: `<file>.broken-1`, `-2`, ...
 */
export function keepAside(file: string): string {
  let number = 1;
  while (existsSync(`${file}.broken-${number}`)) number += 1;
  const aside = `${file}.broken-${number}`;
  renameSync(file, aside);
  return aside;
}
