/**
 * The data directory belongs to one running rig at a time: two would write the same registers and count the same
 * sequences. The lock is the operating system's own, on a SQLite file, so it ends with its process however that ends.
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import Database from "libsql";
import { makePrivateDirectory } from "../core/durable-file.js";
import { StorageError } from "../core/errors.js";

export interface DataDirectoryLock {
  release(): void;
}

/**
 * Makes the directory if need be and takes it.
 * @param waitMs how long to wait for a rig that is just stopping [ms]
 * @throws StorageError "storage/in-use" naming the process, or "storage/unwritable"
 */
export function lockDataDirectory(directory: string, waitMs = 5000): DataDirectoryLock {
  makePrivateDirectory(directory);
  const holderFile = path.join(directory, "lock.pid");
  const lockFile = path.join(directory, "lock.db");
  let database: Database.Database;
  try {
    database = new Database(lockFile, { timeout: waitMs });
  } catch (cause) {
    throw new StorageError("storage/unwritable", `cannot open ${lockFile}: ${(cause as Error).message}`, {
      cause,
      hint: "check that the data directory is writable, or give another with --data",
    });
  }
  try {
    database.exec("BEGIN EXCLUSIVE");
    writeFileSync(holderFile, `${process.pid}\n`);
  } catch (cause) {
    database.close();
    const busy = (cause as { code?: string }).code?.startsWith("SQLITE_BUSY") ?? false;
    if (!busy) {
      throw new StorageError("storage/unwritable", `cannot lock ${lockFile}: ${(cause as Error).message}`, {
        cause,
        hint: "check that the disk is not full; if the file is damaged, delete it: it holds nothing but the lock",
      });
    }
    throw new StorageError("storage/in-use", `${directory} is in use by another rig${holder(holderFile)}`, {
      cause,
      hint: "stop that one, or give this one its own directory with --data",
    });
  }
  return {
    release() {
      database.exec("ROLLBACK");
      database.close();
    },
  };
}

function holder(file: string): string {
  try {
    return ` (process ${readFileSync(file, "utf8").trim()})`;
  } catch {
    return "";
  }
}
