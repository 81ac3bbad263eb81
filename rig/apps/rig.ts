/**
 * The whole rig, put together: virtual bench and real ports -> meters -> router -> uplinks -> centre.
 * Either everything starts or nothing stays open; stopping goes the way of the data, so that nothing under way is lost.
 */
import { brokerAccess, type Centre, startCentre } from "../centre/centre.js";
import type { Clock } from "../core/clock.js";
import type { ConfigFile } from "../core/config-file.js";
import { RigError } from "../core/errors.js";
import type { EmitEvent } from "../core/events.js";
import type { Waveform } from "../measure/estimator.js";
import { RegisterFile } from "../measure/register-file.js";
import { Journal } from "../route/journal.js";
import { Router } from "../route/router.js";
import { makeMissingKeys } from "../seal/key-file.js";
import { Sealer } from "../seal/sealer.js";
import { MqttUplink } from "../uplink/mqtt-uplink.js";
import { openTcpStream } from "../uplink/tcp-stream.js";
import { BenchHost } from "../virtual/bench-host.js";
import { Meter } from "./meter.js";
import { tryRealPorts } from "./ports.js";

/** How long a clean stop waits for the last reports to be acknowledged; what is not stays in the journal. */
const DRAIN_LIMIT_MS = 5000;

export interface RigOptions {
  readonly configFile: ConfigFile;
  readonly dataDirectory: string;
  readonly clock: Clock;
  readonly emit: EmitEvent;
  readonly showWaveform: (meter: string, waveform: Waveform) => void;
  /** Whether the paper's formulas are told beside every reading. */
  readonly teach?: boolean;
}

export interface Rig {
  /** null where every board is real. */
  readonly bench: BenchHost | null;
  /** Address of the centre's page; null where the centre is elsewhere. */
  readonly pageUrl: string | null;
  stop(): Promise<void>;
}

/** @throws ConfigError for what the configuration names and is not there or taken; SealError, StorageError, RigError */
export async function startRig(options: RigOptions): Promise<Rig> {
  const { configFile, dataDirectory, clock, emit, showWaveform, teach = false } = options;
  const { config } = configFile;
  const started: (() => unknown)[] = [];
  const stop = async () => {
    for (const end of started.splice(0).reverse()) await end();
  };
  const notice = (meter: string | null) => (text: string) =>
    emit({ event: "alert", kind: "storage", meter, text });

  try {
    const realPorts = await tryRealPorts(configFile);
    makeMissingKeys(
      dataDirectory,
      config.meters.map(({ id }) => id),
    ).forEach(notice(null));
    const centre = await startConfiguredCentre(options);
    started.push(() => centre?.stop());
    const allVirtual = realPorts.size === config.meters.length;
    const bench = allVirtual ? null : await BenchHost.start({ config, clock, emit });
    started.push(() => bench?.stop());

    const access = centre?.broker ?? brokerAccess({ ...config.broker, port: Number(config.broker.port) });
    const ways = config.meters.map(({ id }) => {
      const registerFile = new RegisterFile(dataDirectory, id);
      const kept = registerFile.load();
      if (kept.notice !== undefined) notice(id)(kept.notice);
      const lastStored = centre?.lastSequence(id) ?? 0;
      const atLeastSequence = Math.max(lastStored + 1, kept.open?.sequence ?? 1);
      const { journal, notices } = Journal.open(dataDirectory, id, { atLeastSequence });
      notices.forEach(notice(id));
      started.push(() => journal.close());
      const uplink = new MqttUplink({
        site: config.site,
        meter: id,
        broker: `the broker at ${access.host}:${access.port}`,
        openStream: () => openTcpStream(access.host, access.port),
        ...(access.username === undefined ? {} : { username: access.username }),
        ...(access.password === undefined ? {} : { password: access.password }),
        clock,
        emit,
      });
      started.push(() => uplink.stop());
      return { registerFile, kept, uplink, leg: { meter: id, journal, carrier: uplink } };
    });
    const router = new Router(
      ways.map(({ leg }) => leg),
      { clock, emit },
    );
    started.push(async () => {
      await router.drain(DRAIN_LIMIT_MS);
      await router.stop();
    });

    const meters = config.meters.map((meter, index) => {
      const { registerFile, kept } = ways[index]!;
      const { sealer, notices } = Sealer.open(dataDirectory, meter.id);
      notices.forEach(notice(meter.id));
      const port = realPorts.get(meter.id) ?? bench!.port(meter.id);
      const parts = { meter, config, port, registerFile, kept, sealer, router };
      return new Meter({ ...parts, clock, emit, showWaveform, teach });
    });
    started.push(() => Promise.all(meters.map((meter) => meter.stop())));

    for (const { uplink } of ways) uplink.start();
    router.start();
    for (const meter of meters) meter.start();
    return { bench, pageUrl: centre?.web.url ?? null, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startConfiguredCentre(options: RigOptions): Promise<Centre | null> {
  if (!options.configFile.config.centre.embedded) return null;
  return startCentreOf(options);
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
    return await startCentre({ config, dataDirectory, clock, emit });
  } catch (error) {
    if (error instanceof RigError && (error.code === "web/taken" || error.code === "web/unreachable")) {
      const key = error.code === "web/taken" ? "port" : "host";
      throw fault({
        path: ["centre", "web", key],
        value: config.centre.web[key],
        problem: error.hint === undefined ? error.message : `${error.message}: ${error.hint}`,
      });
    }
    throw error;
  }
}
