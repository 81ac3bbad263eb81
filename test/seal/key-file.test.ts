import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { SealError, StorageError } from "../../rig/core/errors.js";
import { countStart, makeMissingKeys, readMeterKey } from "../../rig/seal/key-file.js";
import { Opener } from "../../rig/seal/opener.js";
import { Sealer } from "../../rig/seal/sealer.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

const posix = process.platform !== "win32";

function thrown(action: () => unknown): Error & { code?: string; hint?: string } {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  return new Error("nothing thrown");
}

describe("key files", () => {
  it("are made once for each meter, with numbers 1, 2, 3 and different keys of 32 bytes", () => {
    const directory = temporaryDirectory();
    expect(makeMissingKeys(directory, ["main", "neighbour"])).toEqual([]);
    const before = readFileSync(path.join(directory, "keys/main.json"), "utf8");
    expect(makeMissingKeys(directory, ["third", "neighbour", "main"])).toEqual([]);
    expect(readFileSync(path.join(directory, "keys/main.json"), "utf8")).toBe(before);
    const keys = ["main", "neighbour", "third"].map((meter) => readMeterKey(directory, meter));
    expect(keys.map(({ number }) => number)).toEqual([1, 2, 3]);
    expect(new Set(keys.map(({ key }) => key.export().toString("hex"))).size).toBe(3);
    expect(keys.map(({ key }) => key.symmetricKeySize)).toEqual([32, 32, 32]);
  });

  it.runIf(posix)("have mode 600 in a directory of mode 700, also after a start was counted", () => {
    const directory = temporaryDirectory();
    makeMissingKeys(directory, ["main"]);
    Sealer.open(directory, "main");
    expect(statSync(path.join(directory, "keys")).mode & 0o777).toBe(0o700);
    expect(statSync(path.join(directory, "keys/main.json")).mode & 0o777).toBe(0o600);
  });

  it.runIf(posix)("that others could read are tightened, and it is said", () => {
    const directory = temporaryDirectory();
    makeMissingKeys(directory, ["main"]);
    const file = path.join(directory, "keys/main.json");
    chmodSync(file, 0o644);
    chmodSync(path.join(directory, "keys"), 0o755);
    expect(makeMissingKeys(directory, ["main"])[0]).toContain("mode 755");
    expect(Sealer.open(directory, "main").notices[0]).toContain(`${file} could be read by others (mode 644)`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("damaged in any one byte, or cut at any length, are kept aside and named; no key is made in that start", () => {
    const directory = temporaryDirectory();
    makeMissingKeys(directory, ["main"]);
    const file = path.join(directory, "keys/main.json");
    const whole = readFileSync(file);
    const { key } = JSON.parse(whole.toString()) as { key: string };
    const damaged = [
      ...Array.from(whole, (byte, index) =>
        Buffer.concat([whole.subarray(0, index), Buffer.from([byte ^ 1]), whole.subarray(index + 1)]),
      ),
      ...Array.from(whole, (_byte, length) => whole.subarray(0, length)),
    ];
    for (const [index, bytes] of damaged.entries()) {
      writeFileSync(file, bytes, { mode: 0o600 });
      const error = thrown(() =>
        index % 2 === 0 ? Sealer.open(directory, "main") : Opener.forMeter(directory, "main"),
      );
      expect(error).toBeInstanceOf(SealError);
      expect(error.code).toBe("seal/key-damaged");
      expect(error.message).toBe(
        `the key file ${file} is damaged; it is kept as ${file}.broken-${index + 1}`,
      );
      expect(readFileSync(`${file}.broken-${index + 1}`)).toEqual(bytes);
      expect(existsSync(file)).toBe(false);
      expect(`${error.message} ${error.hint} ${error.stack}`).not.toContain(key.slice(0, 8));
      expect(thrown(() => Opener.forMeter(directory, "main")).code).toBe("seal/no-key");
    }
  });

  it("made anew after damage are announced, and keep the meter's number", () => {
    const directory = temporaryDirectory();
    makeMissingKeys(directory, ["main", "neighbour"]);
    const file = path.join(directory, "keys/main.json");
    writeFileSync(file, "");
    expect(thrown(() => Sealer.open(directory, "main")).code).toBe("seal/key-damaged");
    const notices = makeMissingKeys(directory, ["main", "neighbour"]);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain("a new key was made for meter main");
    expect(readMeterKey(directory, "main").number).toBe(1);
  });

  it("of another meter count as damaged", () => {
    const directory = temporaryDirectory();
    makeMissingKeys(directory, ["main"]);
    writeFileSync(
      path.join(directory, "keys/neighbour.json"),
      readFileSync(path.join(directory, "keys/main.json")),
    );
    expect(thrown(() => Opener.forMeter(directory, "neighbour")).code).toBe("seal/key-damaged");
  });

  it("count starts from 1 to 65535 and then say what to do", () => {
    const directory = temporaryDirectory();
    makeMissingKeys(directory, ["main"]);
    expect([countStart(directory, "main"), countStart(directory, "main")]).toEqual([1, 2]);
    expect(readMeterKey(directory, "main").start).toBe(2);

    const file = path.join(directory, "keys/main.json");
    const { checksum, ...record } = { ...JSON.parse(readFileSync(file, "utf8")), start: 65_534 };
    const renewed = createHash("sha256").update(JSON.stringify(record)).digest("hex");
    expect(renewed).not.toBe(checksum);
    writeFileSync(file, `${JSON.stringify({ ...record, checksum: renewed }, null, 2)}\n`);
    expect(countStart(directory, "main")).toBe(65_535);
    expect(thrown(() => countStart(directory, "main")).code).toBe("seal/starts-exhausted");
  });

  it("name the 256th meter as one too many", () => {
    const directory = temporaryDirectory();
    const meters = Array.from({ length: 256 }, (_none, index) => `m${index + 1}`);
    const error = thrown(() => makeMissingKeys(directory, meters));
    expect(error.code).toBe("seal/numbers-exhausted");
    expect(error.message).toContain("m256");
    expect(readdirSync(path.join(directory, "keys"))).toHaveLength(255);
  });

  it("that cannot be made are a StorageError", () => {
    const directory = temporaryDirectory();
    mkdirSync(path.join(directory, "keys/main.json.new"), { recursive: true }); // stands where the file is written first
    const error = thrown(() => makeMissingKeys(directory, ["main"]));
    expect(error).toBeInstanceOf(StorageError);
    expect(error.code).toBe("storage/unwritable");
  });

  it("that are gone are told of where the meter has sealed before, and not of a new meter", () => {
    const directory = temporaryDirectory();
    expect(makeMissingKeys(directory, ["main", "neighbour"], ["main"])).toEqual([
      expect.stringContaining("a new key was made for meter main, its old one is gone"),
    ]);
  });
});
