import { readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { PinMemory } from "../../rig/modem/pin-memory.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

function memoryOf(directory: string): PinMemory {
  return new PinMemory({
    dataDirectory: path.join(directory, "data"),
    pinFile: path.join(directory, "pin"),
  });
}

it("remembers over restarts that the PIN of this file was tried, until the file is written anew", () => {
  const directory = temporaryDirectory();
  const pinFile = path.join(directory, "pin");
  writeFileSync(pinFile, "1234\n");
  const memory = memoryOf(directory);
  expect(memory.wasTried()).toBe(false);

  memory.remember();
  expect(memoryOf(directory).wasTried()).toBe(true);

  writeFileSync(pinFile, "4321\n");
  utimesSync(pinFile, 2_000_000_000, 2_000_000_000);
  expect(memoryOf(directory).wasTried()).toBe(false);
});

it("forgets a PIN that was right", () => {
  const directory = temporaryDirectory();
  writeFileSync(path.join(directory, "pin"), "1234\n");
  const memory = memoryOf(directory);
  memory.remember();
  memory.forget();
  expect(memory.wasTried()).toBe(false);
  memory.forget();
});

it("keeps neither the PIN nor a digest of it, and lets the owner alone read the rest", () => {
  const directory = temporaryDirectory();
  writeFileSync(path.join(directory, "pin"), "1234\n");
  const memory = memoryOf(directory);
  memory.remember();
  const kept = JSON.parse(readFileSync(memory.file, "utf8")) as object;
  expect(Object.keys(kept).sort()).toEqual(["pinFile", "sizeBytes", "writtenAtMs"]);
  if (process.platform !== "win32") expect(statSync(memory.file).mode & 0o777).toBe(0o600);
});

it("counts a damaged memory as a PIN that was tried", () => {
  const directory = temporaryDirectory();
  writeFileSync(path.join(directory, "pin"), "1234\n");
  const memory = memoryOf(directory);
  memory.remember();
  writeFileSync(memory.file, "{");
  expect(memory.wasTried()).toBe(true);
});
