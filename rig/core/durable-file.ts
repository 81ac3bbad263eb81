/**
 * Small files that must survive a kill or a power cut whole: written aside, flushed, then renamed into place, so that a
 * reader sees the old contents or the new ones, never a mixture. Files are made with mode 600 (no effect on Windows).
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
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
 * Replaces the file's contents as one step, on the disk when it returns.
 * @throws StorageError "storage/unwritable"; the old contents are then still there, or the new ones if only the directory could
 *   not be flushed: then a power cut may bring the old ones back.
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
  flushDirectory(path.dirname(file));
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
 * Gives a file or directory that others can read back to its owner alone. Does nothing on Windows, which has no such modes.
 * @param mode the widest that it may have, such as 0o600
 * @returns a sentence for the person at the bench if that was needed
 * @throws StorageError "storage/unwritable"
 */
export function tighten(file: string, mode: number): string[] {
  if (process.platform === "win32") return [];
  try {
    const found = statSync(file).mode & 0o777;
    if ((found & ~mode) === 0) return [];
    chmodSync(file, mode);
    return [
      `${file} could be read by others (mode ${found.toString(8)}): it is ${mode.toString(8)} now; if others use this machine, have what is secret in it made anew`,
    ];
  } catch (cause) {
    throw new StorageError(
      "storage/unwritable",
      `cannot keep others from reading ${file}: ${(cause as Error).message}`,
      { cause, hint: "check the owner of the file" },
    );
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
