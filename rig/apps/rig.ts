/**
 * The whole rig, put together: virtual bench and real ports -> meters -> router -> uplinks -> centre.
 * Either everything starts or nothing stays open; stopping goes the way of the data, so that nothing under way is lost.
 */
import { brokerAccess, type Centre, startCentre } from "../centre/centre.js";
import type { Clock } from "../core/clock.js";
import type { ConfigFile } from "../core/config-file.js";
import { describeError, RigError } from "../core/errors.js";
import type { EmitEvent } from "../core/events.js";
import type { Waveform } from "../measure/estimator.js";
import { type LoadedRecord, RegisterFile } from "../measure/register-file.js";
import { energyWh, raisedTo } from "../measure/registers.js";
import type { Modem } from "../modem/modem.js";
import { Journal } from "../route/journal.js";
import { RouteAlerts } from "../route/route-alerts.js";
import { Router } from "../route/router.js";
import { makeMissingKeys } from "../seal/key-file.js";
import { Sealer } from "../seal/sealer.js";
import { MqttUplink } from "../uplink/mqtt-uplink.js";
import { openTcpStream } from "../uplink/tcp-stream.js";
import { TlsLayer } from "../uplink/tls-layer.js";
import { BenchHost } from "../virtual/bench-host.js";
import type { VirtualModem } from "../virtual/virtual-modem.js";
import { describeOverload } from "./line-budget.js";
import { Meter } from "./meter.js";
import { createModemLink } from "./modem-link.js";
import { tryRealPorts } from "./ports.js";

/** How long a clean stop waits for the last reports to be acknowledged; what is not stays in the journal. */
const DRAIN_LIMIT_MS = 5000;
/** The same where they go at 960 B/s and with the round trips of GPRS. */
const DRAIN_BY_MODEM_LIMIT_MS = 8000;
/** The same while there is no connection: it may be about to come. */
const DRAIN_UNCONNECTED_LIMIT_MS = 2000;

export interface RigOptions {
  readonly configFile: ConfigFile;
  readonly dataDirectory: string;
  readonly clock: Clock;
  readonly emit: EmitEvent;
  readonly showWaveform: (meter: string, waveform: Waveform) => void;
  /** Whether the paper's formulas are told beside every reading. */
  readonly teach?: boolean;
  /** Whether every byte on the modem's wire is told. */
  readonly traceAt?: boolean;
}

export interface Rig {
  /** null where every board is real. */
  readonly bench: BenchHost | null;
  /** null where reports go straight to the broker. */
  readonly modem: Modem | null;
  /** null where the modem is a real one, in another process, or there is none. */
  readonly virtualModem: VirtualModem | null;
  stop(): Promise<void>;
}

/** @throws ConfigError for what the configuration names and is not there or taken; SealError, StorageError, RigError */
export async function startRig(options: RigOptions): Promise<Rig> {
  const { configFile, dataDirectory, clock, showWaveform, teach = false, traceAt = false } = options;
  const { config } = configFile;
  let isConnected = false;
  const noteUplink: EmitEvent = (event) => {
    if (event.event === "uplink") isConnected = event.state === "connected";
  };
  const listeners: EmitEvent[] = [options.emit, noteUplink];
  const emit: EmitEvent = (event) => {
    for (const listener of listeners) listener(event);
  };
  const started: (() => unknown)[] = [];
  const stop = async () => {
    const failures: unknown[] = [];
    for (const end of started.splice(0).reverse()) {
      try {
        await end();
      } catch (error) {
        // The rest is ended all the same.
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  };
  const notice = (meter: string | null) => (text: string) =>
    emit({ event: "alert", kind: "storage", meter, text });

  try {
    const realPorts = await tryRealPorts(configFile);
    const ids = config.meters.map(({ id }) => id);
    makeMissingKeys(dataDirectory, ids, Journal.metersIn(dataDirectory)).forEach(notice(null));
    const centre = await startConfiguredCentre(options);
    started.push(() => centre?.stop());
    const allReal = realPorts.size === config.meters.length;
    const broker = centre?.broker ?? brokerAccess({ ...config.broker, port: Number(config.broker.port) });
    const link =
      config.modem === "none"
        ? null
        : createModemLink({
            config,
            modemConfig: config.modem,
            dataDirectory,
            secrets: broker.password === undefined ? [] : [broker.password],
            clock,
            emit,
            traceAt,
          });
    started.push(() => link?.stop());
    const overload = describeOverload(config);
    if (overload !== null) emit({ event: "alert", kind: "modem", meter: null, text: overload });
    const onPowerKey = (pressed: boolean) => link?.virtualModem?.powerKey(pressed);
    const bench = allReal ? null : await BenchHost.start({ config, clock, emit, onPowerKey });
    started.push(() => bench?.stop());

    const { host, port, tls: trust, ...login } = broker;
    const brokerName = `the broker at ${host}:${port}`;
    const tls = trust === undefined ? null : new TlsLayer({ host, ...trust, broker: brokerName, clock });
    const uplink = new MqttUplink({
      site: config.site,
      meters: ids,
      broker: brokerName,
      openStream: async (signal) => {
        const stream = await (link?.modem.openSocket({ host, port }, signal) ??
          openTcpStream(host, port, signal));
        return tls === null ? stream : tls.open(stream, signal);
      },
      openStreamWaits: link !== null,
      ...login,
      clock,
      random: Math.random,
      emit,
    });
    const routeAlerts = new RouteAlerts({
      phones: link === null ? null : { numbers: config.alerts.sms, sender: link.modem },
      clock,
      emit: options.emit,
    });
    listeners.push((event) => routeAlerts.hear(event));
    started.push(() => routeAlerts.stop());
    findForgottenReports(dataDirectory, ids).forEach(notice(null));
    const ways = config.meters.map(({ id }) => {
      const registerFile = new RegisterFile(dataDirectory, id);
      const kept = loadRecord(registerFile, id, centre?.lastEnergyWh(id) ?? 0, notice(id));
      const lastStored = centre?.lastSequence(id) ?? 0;
      const atLeastSequence = Math.max(lastStored + 1, kept.open?.sequence ?? 1);
      const { journal, notices } = Journal.open(dataDirectory, id, { atLeastSequence });
      notices.forEach(notice(id));
      started.push(() => journal.close());
      return { registerFile, kept, leg: { meter: id, journal, carrier: uplink } };
    });
    started.push(() => uplink.stop());
    const router = new Router(
      ways.map(({ leg }) => leg),
      { clock, emit },
    );
    started.push(async () => {
      const connectedLimitMs = link === null ? DRAIN_LIMIT_MS : DRAIN_BY_MODEM_LIMIT_MS;
      await router.drain(isConnected ? connectedLimitMs : DRAIN_UNCONNECTED_LIMIT_MS);
      await router.stop();
    });

    const meters = config.meters.map((meter, index) => {
      const { registerFile, kept } = ways[index]!;
      const { sealer, notices } = Sealer.open(dataDirectory, meter.id);
      notices.forEach(notice(meter.id));
      const boardPort = realPorts.get(meter.id) ?? bench!.port(meter.id);
      const powerKey =
        config.modem !== "none" && config.modem.powerKey?.meter === meter.id ? link!.powerKey : null;
      const parts = { meter, config, port: boardPort, registerFile, kept, sealer, router, powerKey };
      return new Meter({ ...parts, clock, emit, showWaveform, teach });
    });
    started.push(() => Promise.all(meters.map((meter) => meter.stop())));

    link?.modem.start();
    uplink.start();
    router.start();
    for (const meter of meters) meter.start();
    return { bench, modem: link?.modem ?? null, virtualModem: link?.virtualModem ?? null, stop };
  } catch (error) {
    // What failed first is what there is to tell.
    await stop().catch(() => undefined);
    throw error;
  }
}

async function startConfiguredCentre(options: RigOptions): Promise<Centre | null> {
  if (!options.configFile.config.centre.embedded) return null;
  return startCentreOf(options);
}

/** A meter that was renamed or left out may have left reports behind, which nobody sends. @returns a sentence for each such meter */
function findForgottenReports(dataDirectory: string, meters: readonly string[]): string[] {
  return Journal.metersIn(dataDirectory)
    .filter((meter) => !meters.includes(meter))
    .flatMap((meter) => {
      const { journal } = Journal.open(dataDirectory, meter);
      const { waiting, file } = journal;
      journal.close();
      if (waiting === 0) return [];
      return [
        `${waiting} reports of meter ${meter} wait in ${file}, and the configuration names no such meter: name it to send them`,
      ];
    });
}

/** The registers as kept, but never below what the centre has stored: a lost file must not let the energy fall. */
function loadRecord(
  file: RegisterFile,
  meter: string,
  storedWh: number,
  notice: (text: string) => void,
): LoadedRecord {
  const kept = file.load();
  if (kept.notice !== undefined) notice(kept.notice);
  const registers = raisedTo(kept.registers, storedWh);
  if (registers === kept.registers) return kept;
  const keptWh = energyWh(kept.registers);
  notice(
    `registers of meter ${meter}: ${keptWh} Wh is less than the centre has stored: they go on from ${storedWh} Wh`,
  );
  return { ...kept, registers };
}

/** Starts the centre; a port that is taken is a fault of the configuration. */
export async function startCentreOf({
  configFile,
  dataDirectory,
  clock,
  emit,
}: Omit<RigOptions, "showWaveform" | "teach">): Promise<Centre> {
  const { config, fault } = configFile;
  try {
    const centre = await startCentre({ config, dataDirectory, clock, emit });
    const { host, port } = centre.broker;
    emit({ event: "centre", page: centre.web.url, broker: `${host}:${port}` });
    return centre;
  } catch (error) {
    const problem = describeError(error);
    const { web } = config.centre;
    switch (error instanceof RigError ? error.code : "") {
      case "web/taken":
        throw fault({ path: ["centre", "web", "port"], value: web.port, problem });
      case "web/unreachable":
        throw fault({ path: ["centre", "web", "host"], value: web.host, problem });
      case "broker/taken":
        throw fault({ path: ["broker", "listen"], value: config.broker.listen, problem });
      case "broker/unreachable":
        throw fault({ path: ["broker", "host"], value: config.broker.host, problem });
      default:
        throw error;
    }
  }
}
