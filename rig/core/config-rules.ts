/** Rules of the configuration that span several keys: what is used twice, and what does not fit together. Pure. */
import type { Config, MeterConfig } from "./config.js";
import { formatDuration } from "./duration.js";
import { firmataPin } from "./pin-names.js";
import { parseTcpAddress } from "./tcp-address.js";
import { RIG } from "./topics.js";

export interface ConfigFault {
  readonly path: PropertyKey[];
  /** The offending value; undefined where the key itself is the fault. */
  readonly value: unknown;
  /** What is wrong and what is allowed, the rest of the sentence. */
  readonly problem: string;
}

/**
 * No file can have these names on Windows, whatever its ending.
 * Source: Microsoft, "Naming Files, Paths, and Namespaces", naming conventions.
 */
const WINDOWS_DEVICE = /^(con|nul|aux|prn|com[1-9]|lpt[1-9])$/i;

export function findConflicts(config: Config): ConfigFault[] {
  return [
    ...findReservedNames(config),
    ...findTwinMeters(config),
    ...config.meters.flatMap((meter, index) => findTwinPins(meter, index, config.modem)),
    ...findBadLinks(config),
    ...findBadTimes(config),
    ...findBadBroker(config),
    ...findBadModem(config),
  ];
}

function findReservedNames({ meters }: Config): ConfigFault[] {
  return meters.flatMap(({ id }, index) => {
    const path = ["meters", index, "id"];
    if (WINDOWS_DEVICE.test(id)) {
      const problem =
        "Windows keeps that name for a device, and a meter's files are named by its id; take another";
      return [{ path, value: id, problem }];
    }
    if (id !== RIG) return [];
    const problem = "the MQTT topics of the rig as a whole have that name; take another";
    return [{ path, value: id, problem }];
  });
}

function findTwinMeters({ meters }: Config): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const ids = new Map<string, number>();
  const ports = new Map<string, number>();
  meters.forEach((meter, index) => {
    // A meter's files are named by its id, and macOS and Windows take A and a for the same file.
    const sameId = ids.get(meter.id.toLowerCase());
    if (sameId === undefined) ids.set(meter.id.toLowerCase(), index);
    else {
      const exactly = meters[sameId]?.id === meter.id;
      const problem = exactly
        ? `meters[${sameId}] has that id already; every meter needs its own`
        : `meters[${sameId}] has that id but for its capitals; ids must differ in more`;
      faults.push({ path: ["meters", index, "id"], value: meter.id, problem });
    }
    if (meter.board.port === "virtual") return;
    const port = JSON.stringify(meter.board.port);
    const samePort = ports.get(port);
    if (samePort === undefined) ports.set(port, index);
    else {
      const problem = `meters[${samePort}] has that port already; only virtual may stand more than once`;
      faults.push({ path: ["meters", index, "board", "port"], value: meter.board.port, problem });
    }
  });
  return faults;
}

function findTwinPins(meter: MeterConfig, index: number, modem: Config["modem"]): ConfigFault[] {
  const uses: [keys: string[], pin: number, label: string][] = [];
  const use = (pin: Parameters<typeof firmataPin>[0], ...keys: string[]) => {
    uses.push([keys, firmataPin(pin), String(pin)]);
  };
  use(meter.current.pin, "current", "pin");
  if (meter.voltage !== undefined) use(meter.voltage.pin, "voltage", "pin");
  if (meter.lcd.type === "parallel") {
    for (const key of ["rs", "e", "d4", "d5", "d6", "d7"] as const) use(meter.lcd[key], "lcd", key);
  }
  if (meter.lcd.type === "i2c") {
    use("A4", "lcd", "type");
    use("A5", "lcd", "type");
  }
  use(meter.bus.out, "bus", "out");
  use(meter.bus.in, "bus", "in");
  use(meter.relay, "relay");
  use(meter.link.tx, "link", "tx");
  use(meter.link.rx, "link", "rx");
  use(meter.led, "led");
  if (modem !== "none" && modem.powerKey?.meter === meter.id) use(modem.powerKey.pin, "modem", "powerKey");

  const first = new Map<number, string>();
  return uses.flatMap(([keys, pin, label]) => {
    const other = first.get(pin);
    if (other === undefined) {
      first.set(pin, keys.join("."));
      return [];
    }
    const path = keys[0] === "modem" ? [...keys, "pin"] : ["meters", index, ...keys];
    return [
      {
        path,
        value: label,
        problem: `pin ${label} is used by ${other} of the same meter already; give each its own pin`,
      },
    ];
  });
}

function findBadLinks({ meters, links }: Config): ConfigFault[] {
  const ids = meters.map((meter) => meter.id);
  const seen = new Set<string>();
  return links.flatMap(({ between }, index): ConfigFault[] => {
    const path = ["links", index, "between"];
    const stranger = between.find((id) => !ids.includes(id));
    if (stranger !== undefined) {
      return [
        { path, value: between, problem: `there is no meter ${stranger}; the meters are ${ids.join(", ")}` },
      ];
    }
    if (between[0] === between[1])
      return [{ path, value: between, problem: "a link joins two different meters" }];
    const ends = [...between].sort().join(" ");
    if (seen.has(ends)) return [{ path, value: between, problem: "these two are linked already" }];
    seen.add(ends);
    return [];
  });
}

function findBadTimes({ report }: Config): ConfigFault[] {
  if (report.every >= report.reading && report.every % report.reading === 0) return [];
  return [
    {
      path: ["report", "every"],
      value: formatDuration(report.every),
      problem: `it must be a whole multiple of report.reading, which is ${formatDuration(report.reading)}`,
    },
  ];
}

function findBadBroker({ broker, centre }: Config): ConfigFault[] {
  const faults: ConfigFault[] = [];
  if (broker.port === "embedded") {
    if (!centre.embedded) {
      const problem =
        "an embedded broker needs centre.embedded: true; give the TCP port of a real broker instead";
      faults.push({ path: ["broker", "port"], value: broker.port, problem });
    }
    if (broker.tls) {
      const problem = "the embedded broker has no TLS; give the host and TCP port of a real broker";
      faults.push({ path: ["broker", "tls"], value: broker.tls, problem });
    }
    for (const key of ["username", "passwordFile"] as const) {
      if (broker[key] === undefined) continue;
      const problem = "the embedded broker makes its own user and password; leave it out";
      faults.push({ path: ["broker", key], value: broker[key], problem });
    }
  } else if ((broker.username === undefined) !== (broker.passwordFile === undefined)) {
    const given = broker.username === undefined ? "passwordFile" : "username";
    const problem = "username and passwordFile go together; give both or neither";
    faults.push({ path: ["broker", given], value: broker[given], problem });
  }
  if (broker.caFile !== undefined && !broker.tls) {
    const problem = "it is of use with broker.tls: true only";
    faults.push({ path: ["broker", "caFile"], value: broker.caFile, problem });
  }
  return faults;
}

function findBadModem({ modem, meters, alerts }: Config): ConfigFault[] {
  const faults: ConfigFault[] = [];
  if (modem === "none") {
    if (alerts.sms.length > 0) {
      const problem = "an SMS needs a modem; configure modem, or leave the numbers out";
      faults.push({ path: ["alerts", "sms"], value: alerts.sms, problem });
    }
    return faults;
  }
  const ids = meters.map(({ id }) => id);
  if (modem.powerKey !== undefined && !ids.includes(modem.powerKey.meter)) {
    const problem = `there is no such meter; the meters are ${ids.join(", ")}`;
    faults.push({ path: ["modem", "powerKey", "meter"], value: modem.powerKey.meter, problem });
  }
  if (modem.port.startsWith("tcp:") && parseTcpAddress(modem.port) === undefined) {
    faults.push({ path: ["modem", "port"], value: modem.port, problem: "it is tcp://host:port" });
  }
  const twin = meters.findIndex(({ board }) => board.port === modem.port && modem.port !== "virtual");
  if (twin >= 0) {
    const problem = `meters[${twin}] has that port already; the modem needs one of its own`;
    faults.push({ path: ["modem", "port"], value: modem.port, problem });
  }
  return faults;
}
