/**
 * Keeps a meter's registers through restarts, kills and damaged disks: `<data>/registers/<meter>.json`, readable JSON with a
 * checksum, and beside it `<meter>.json.previous`, the good copy before it.
 * Saving: the main file's contents, once compared with what was last written, get `.previous` as a second name; then the new
 * contents replace the main file in one step (write aside, flush, rename). So at every moment one whole copy with the newest or
 * the last-but-one value exists. Loading takes the main file, else the previous copy, else what a kill left in `.new`.
 */
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, linkSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { keepAside, makePrivateDirectory, writeDurably } from "../core/durable-file.js";
import { StorageError } from "../core/errors.js";
import type { Interval } from "./interval.js";
import { recordSchema } from "./record-schema.js";
import { EMPTY_REGISTERS, energyWh, type Registers } from "./registers.js";

const SCHEMA = 1;

/** An interval that was not reported when it was kept, and the number its report will have. */
export interface KeptInterval {
  readonly sequence: number;
  readonly interval: Interval;
}

/** All that a meter's file keeps. */
export interface MeterRecord {
  readonly registers: Registers;
  /** null when no reading is waiting for its report. */
  readonly open: KeptInterval | null;
}

const EMPTY_RECORD: MeterRecord = { registers: EMPTY_REGISTERS, open: null };

export interface LoadedRecord extends MeterRecord {
  /** What was wrong, where the broken file is now, and the value it goes on from: for the operator. Absent if all was well. */
  readonly notice?: string;
}

type Contents =
  | { readonly kind: "good"; readonly text: string; readonly record: MeterRecord }
  | { readonly kind: "missing" }
  | { readonly kind: "damaged"; readonly problem: string };

export class RegisterFile {
  readonly #meter: string;
  readonly #directory: string;
  readonly #file: string;
  readonly #previous: string;
  /** What the main file holds, as we know; null while that is not known to be whole. */
  #kept: string | null = null;

  /** @param dataDirectory the rig's data directory; @param meter the meter's id, which names the file */
  constructor(dataDirectory: string, meter: string) {
    this.#meter = meter;
    this.#directory = path.join(dataDirectory, "registers");
    this.#file = path.join(this.#directory, `${meter}.json`);
    this.#previous = `${this.#file}.previous`;
  }

  /**
   * Damaged files are moved aside, never deleted. Without any trace of an earlier life the registers start at zero.
   * @throws StorageError if a file is there but cannot be read or moved: its value is not lost, so nothing may be counted over it
   */
  load(): LoadedRecord {
    makePrivateDirectory(this.#directory);
    const hadTraces = this.#hasTraces();
    const main = this.#read(this.#file);
    if (main.kind === "good") {
      this.#kept = main.text;
      return main.record;
    }
    if (!hadTraces) return EMPTY_RECORD;

    const problems = [
      main.kind === "missing" ? `${this.#file} is missing` : this.#setAside(this.#file, main.problem),
    ];
    for (const copy of [this.#previous, `${this.#file}.new`]) {
      const contents = this.#read(copy);
      if (contents.kind === "missing") continue;
      if (contents.kind === "good") {
        return { ...contents.record, notice: this.#notice(problems, contents.record, copy) };
      }
      problems.push(this.#setAside(copy, contents.problem));
    }
    return { ...EMPTY_RECORD, notice: this.#notice(problems, EMPTY_RECORD, null) };
  }

  /**
   * Returns once the values are on the disk. An energy may be shown only after that: what was shown must never go down.
   * @throws StorageError "storage/unwritable": the last good copies are still there; try again with the next reading
   */
  save(record: MeterRecord): void {
    const text = format(this.#meter, record);
    makePrivateDirectory(this.#directory);
    this.#keepPrevious();
    writeDurably(this.#file, text);
    this.#kept = text;
  }

  #keepPrevious(): void {
    const aside = `${this.#previous}.new`;
    try {
      // A file that somebody else damaged meanwhile must not take the place of the good copy.
      if (this.#kept === null || readIfThere(this.#file) !== this.#kept) return;
      rmSync(aside, { force: true });
      try {
        linkSync(this.#file, aside);
      } catch {
        // File systems without hard links (FAT, some network drives): a true copy does as well.
        copyFileSync(this.#file, aside);
      }
      renameSync(aside, this.#previous);
      // Renaming one name of a file to another name of the same file does nothing and leaves both.
      rmSync(aside, { force: true });
    } catch (cause) {
      throw new StorageError(
        "storage/unwritable",
        `cannot keep a copy of ${this.#file}: ${(cause as Error).message}`,
        { cause, hint: "check that the disk is not full and the directory is writable" },
      );
    }
  }

  #read(file: string): Contents {
    let text: string | null;
    try {
      text = readIfThere(file);
    } catch (cause) {
      throw new StorageError(
        "storage/unreadable",
        `cannot read the registers of meter ${this.#meter} from ${file}: ${(cause as Error).message}`,
        { cause, hint: "check the owner and the permissions of the file" },
      );
    }
    return text === null ? { kind: "missing" } : parse(this.#meter, text);
  }

  #setAside(file: string, problem: string): string {
    try {
      return `${file} is damaged (${problem}) and was kept as ${keepAside(file)}`;
    } catch (cause) {
      throw new StorageError(
        "storage/unwritable",
        `cannot move the damaged ${file} (${problem}) aside: ${(cause as Error).message}`,
        { cause, hint: "check that the directory is writable" },
      );
    }
  }

  /** Whether this meter ever kept registers here: the file, its copies, or damaged ones that were kept. */
  #hasTraces(): boolean {
    if (existsSync(this.#file)) return true;
    const prefix = `${path.basename(this.#file)}.`;
    return readdirSync(this.#directory).some((name) => name.startsWith(prefix));
  }

  #notice(problems: readonly string[], { registers }: MeterRecord, copy: string | null): string {
    const value = `${energyWh(registers)} Wh`;
    const outcome =
      copy === null
        ? `no good copy is left: the energy starts again from zero (${value})`
        : `it goes on from ${value} of ${copy}`;
    return `registers of meter ${this.#meter}: ${problems.join("; ")}; ${outcome}`;
  }
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

function format(meter: string, { registers, open }: MeterRecord): string {
  const checksum = checksumOf(meter, { registers, open });
  return `${JSON.stringify({ schema: SCHEMA, meter, registers, open, checksum }, null, 2)}\n`;
}

/** Over the values, not the layout, so that a file that was only indented otherwise is still good. */
function checksumOf(meter: string, { registers, open }: { registers: unknown; open: unknown }): string {
  return createHash("sha256")
    .update(JSON.stringify([SCHEMA, meter, registers, open]))
    .digest("hex");
}

function parse(meter: string, text: string): Contents {
  const damaged = (problem: string): Contents => ({ kind: "damaged", problem });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return damaged(`not JSON, ${text.length} characters long`);
  }
  const fields = z
    .object({
      schema: z.unknown(),
      meter: z.unknown(),
      registers: z.unknown(),
      open: z.unknown(),
      checksum: z.unknown(),
    })
    .safeParse(value);
  if (!fields.success) return damaged("not a register file");
  const { schema, registers, open, checksum } = fields.data;
  if (schema !== SCHEMA) return damaged(`schema ${JSON.stringify(schema)}, expected ${SCHEMA}`);
  if (fields.data.meter !== meter) return damaged(`it belongs to meter ${JSON.stringify(fields.data.meter)}`);
  if (checksum !== checksumOf(meter, { registers, open })) return damaged("the checksum does not match");
  const checked = recordSchema.safeParse({ registers, open });
  if (!checked.success) {
    const issue = checked.error.issues[0];
    return damaged(`${issue?.path.join(".") || "registers"}: ${issue?.message ?? "not valid"}`);
  }
  return { kind: "good", text, record: checked.data };
}
