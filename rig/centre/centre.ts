/**
 * The control centre, put together: broker (its own, or a subscription at another) -> intake -> store -> page.
 * Either everything starts or nothing stays open.
 */
import { readAuthorityFile } from "../core/authority-file.js";
import type { Clock } from "../core/clock.js";
import type { Config } from "../core/config.js";
import type { EmitEvent } from "../core/events.js";
import { readPasswordFile } from "../core/password-file.js";
import { Opener } from "../seal/opener.js";
import { Alerts } from "./alerts.js";
import { BROKER_USER, startBroker } from "./broker.js";
import { openBrokerPassword } from "./broker-password.js";
import { Intake, type IntakeCounters } from "./intake.js";
import { Store } from "./store.js";
import { startSubscription } from "./subscription.js";
import { startWebServer } from "./web-server.js";

export interface CentreOptions {
  readonly config: Config;
  readonly dataDirectory: string;
  readonly clock: Clock;
  readonly emit: EmitEvent;
}

/** How an uplink reaches the broker. */
export interface BrokerAccess {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
  /** Where it speaks TLS; ca: certificates of authorities to trust instead of the well-known ones, PEM. */
  readonly tls?: { readonly ca?: string };
}

export interface Centre {
  readonly broker: BrokerAccess;
  readonly web: { readonly host: string; readonly port: number; readonly url: string };
  /** What the intake took and refused since the start. */
  readonly counters: IntakeCounters;
  /** Highest sequence that the store has of a meter, 0 if none. */
  lastSequence(meter: string): number;
  /** Energy register in that report [Wh], 0 if none. */
  lastEnergyWh(meter: string): number;
  stop(): Promise<void>;
}

/**
 * @param options the meters' keys must be there (makeMissingKeys, or files copied from the rig)
 * @throws SealError "seal/no-key" or "seal/key-damaged"; StorageError; PortError "web/taken", "web/unreachable",
 *   "broker/taken", "broker/unreachable". Nothing is left open then.
 */
export async function startCentre(options: CentreOptions): Promise<Centre> {
  const { config, dataDirectory, clock, emit } = options;
  const opened: (() => void | Promise<void>)[] = [];
  const stop = async () => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  try {
    const meters = config.meters.map(({ id }) => id);
    const openers = meters.map((meter) => Opener.forMeter(dataDirectory, meter));
    const alerts = new Alerts(clock, emit);
    opened.push(() => alerts.stop());
    const { store, notices } = Store.open(dataDirectory);
    opened.push(() => store.close());
    for (const text of notices) alerts.raise("storage", null, text);

    const { site } = config;
    const reportEveryMs = config.report.every;
    const intake = new Intake({ site, openers, store, reportEveryMs, clock, emit, alerts });
    const web = await startWebServer({ ...config.centre.web, site, meters, reportEveryMs, store });
    opened.push(() => web.stop());
    intake.announceMissed();
    const { access, close } = await openWay(options, intake, alerts);
    opened.push(close);
    return {
      broker: access,
      web,
      get counters() {
        return intake.counters;
      },
      lastSequence: (meter) => store.lastSequence(meter),
      lastEnergyWh: (meter) => store.lastEnergyWh(meter),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** How another broker is reached by the centre and by the uplink. @throws StorageError, as readPasswordFile and readAuthorityFile */
export function brokerAccess({
  host,
  port,
  username,
  passwordFile,
  tls,
  caFile,
}: Config["broker"] & { port: number }): BrokerAccess {
  return {
    host,
    port,
    ...(username === undefined ? {} : { username }),
    ...(passwordFile === undefined ? {} : { password: readPasswordFile(passwordFile) }),
    ...(tls ? { tls: caFile === undefined ? {} : { ca: readAuthorityFile(caFile) } } : {}),
  };
}

async function openWay(
  { config, dataDirectory, clock }: CentreOptions,
  intake: Intake,
  alerts: Alerts,
): Promise<{ access: BrokerAccess; close: () => Promise<void> }> {
  const { site } = config;
  const meters = config.meters.map(({ id }) => id);
  const { host, port } = config.broker;
  const accept = (topic: string, payload: Uint8Array) => {
    intake.accept(topic, payload);
  };
  if (port === "embedded") {
    const { password, notices } = openBrokerPassword(dataDirectory);
    for (const text of notices) alerts.raise("storage", null, text);
    const broker = await startBroker({ host, port: config.broker.listen, site, meters, password, accept });
    const access = { host, port: broker.port, username: BROKER_USER, password };
    return { access, close: () => broker.stop() };
  }
  const access = brokerAccess({ ...config.broker, port });
  const subscription = startSubscription({ ...access, site, meters, accept, clock, alerts });
  return { access, close: () => subscription.stop() };
}
