/** The modem of a rig, put together: its wire, its driver, its power key. */
import type { Clock } from "../core/clock.js";
import type { Config, ModemConfig } from "../core/config.js";
import type { EmitEvent } from "../core/events.js";
import { readPasswordFile } from "../core/password-file.js";
import { Modem } from "../modem/modem.js";
import type { VirtualModem } from "../virtual/virtual-modem.js";
import { openModemLine } from "./modem-line.js";
import { BoardPowerKey } from "./power-key.js";

export interface ModemLinkOptions {
  readonly config: Config;
  readonly modemConfig: ModemConfig;
  readonly dataDirectory: string;
  /** Texts that no trace may show, beside the modem's own. */
  readonly secrets: readonly string[];
  readonly clock: Clock;
  readonly emit: EmitEvent;
  readonly traceAt: boolean;
}

export interface ModemLink {
  readonly modem: Modem;
  /** null where the modem is a real one, or in another process. */
  readonly virtualModem: VirtualModem | null;
  /** null where none is configured. */
  readonly powerKey: BoardPowerKey | null;
  stop(): Promise<void>;
}

export function createModemLink(options: ModemLinkOptions): ModemLink {
  const { config, modemConfig, dataDirectory, clock, emit, traceAt } = options;
  const { line, virtualModem } = openModemLine({
    port: modemConfig.port,
    baudBps: modemConfig.baud,
    seed: config.virtual.seed,
    reach: [config.broker.host],
    clock,
    emit,
  });
  const powerKey =
    modemConfig.powerKey === undefined ? null : new BoardPowerKey({ ...modemConfig.powerKey, clock });
  const modem = new Modem({
    line,
    config: modemConfig,
    // Anew each time: whoever corrects the file does so while the rig runs.
    readPin: () => (modemConfig.pinFile === undefined ? null : readPasswordFile(modemConfig.pinFile)),
    dataDirectory,
    secrets: options.secrets,
    powerKey,
    clock,
    random: Math.random,
    emit,
    trace: traceAt,
  });
  return {
    modem,
    virtualModem,
    powerKey,
    async stop() {
      await modem.stop();
      await virtualModem?.stop();
    },
  };
}
