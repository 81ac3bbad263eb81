/**
 * What a person can do at the virtual bench, as plain objects: they cross the thread to where the bench runs.
 * Made by the verbs of plain mode and by scenarios; done by VirtualBench.
 */
import type { Config } from "../core/config.js";

export type BenchCommand =
  /** Switches on the first `count` of the meter's four lamps of 100 W, in place of any other load. */
  | { readonly verb: "lamps"; readonly meter: string; readonly count: number }
  /** Any other load in place of the lamps; the power factor is negative for a leading one. */
  | {
      readonly verb: "load";
      readonly meter: string;
      readonly currentA: number;
      readonly powerFactor: number;
      /** Third harmonic as a fraction of the fundamental. */
      readonly thirdHarmonic: number;
    }
  | { readonly verb: "volts"; readonly volts: number }
  | { readonly verb: "hz"; readonly hz: number }
  /** The loop through the meter's modem cable. */
  | { readonly verb: "cut" | "mend"; readonly what: "bus"; readonly meter: string }
  /** The wires of one link of the configuration, counted from 0, or of all. */
  | { readonly verb: "cut" | "mend"; readonly what: "link"; readonly link: number | "all" }
  /** The USB cable, which is the board's supply too. */
  | { readonly verb: "unplug" | "plug"; readonly meter: string }
  /** The reset button: the firmware boots again, the port stays open. */
  | { readonly verb: "reset"; readonly meter: string };

const MAX_CURRENT_A = 100;
const MAX_MAINS_V = 500;
const MIN_MAINS_HZ = 40;
const MAX_MAINS_HZ = 70;
const MAX_LAMPS = 4;

/** The meters that stand on the virtual bench. */
export function virtualMeters(config: Config): Config["meters"] {
  return config.meters.filter((meter) => meter.board.port === "virtual");
}

/** The links whose two ends both stand on the virtual bench. */
export function virtualLinks(config: Config): Config["links"] {
  const ids = new Set(virtualMeters(config).map((meter) => meter.id));
  return config.links.filter((link) => link.between.every((id) => ids.has(id)));
}

/** @throws RangeError that names the value and what is allowed, when this bench cannot do `command` */
export function checkBenchCommand(config: Config, command: BenchCommand): void {
  if ("meter" in command) checkMeter(config, command.meter);
  switch (command.verb) {
    case "lamps":
      if (!Number.isInteger(command.count))
        throw new RangeError(`lamps is ${command.count}; it is a whole number`);
      checkRange("lamps", command.count, 0, MAX_LAMPS, "");
      break;
    case "load":
      checkRange("load", command.currentA, 0, MAX_CURRENT_A, " A");
      checkRange("power factor", command.powerFactor, -1, 1, "");
      checkRange("third harmonic", command.thirdHarmonic, 0, 1, " of the fundamental");
      break;
    case "volts":
      checkRange("volts", command.volts, 0, MAX_MAINS_V, " V");
      break;
    case "hz":
      checkRange("hz", command.hz, MIN_MAINS_HZ, MAX_MAINS_HZ, " Hz");
      break;
    case "cut":
    case "mend":
      if (command.what === "link") checkLink(config, command.link);
      break;
  }
}

/** @throws RangeError when no virtual meter has this id */
export function checkMeter(config: Config, meter: string): void {
  const ids = virtualMeters(config).map(({ id }) => id);
  if (!ids.includes(meter)) {
    throw new RangeError(`there is no virtual meter "${meter}"; there are: ${ids.join(", ") || "none"}`);
  }
}

function checkLink(config: Config, link: number | "all"): void {
  const count = virtualLinks(config).length;
  if (count === 0) throw new RangeError("the configuration has no link between virtual meters");
  if (link !== "all" && !(Number.isInteger(link) && link >= 0 && link < count)) {
    throw new RangeError(`there is no link ${link}; links are counted from 0 to ${count - 1}`);
  }
}

function checkRange(name: string, value: number, min: number, max: number, unit: string): void {
  if (!(value >= min && value <= max)) {
    throw new RangeError(`${name} is ${value}${unit}; it is from ${min} to ${max}${unit}`);
  }
}
