/** The wire to the configured modem: a virtual SIM900, a device server on TCP, or a serial port of this computer. */
import { SerialBoardPort } from "../board/serial-port.js";
import type { Clock } from "../core/clock.js";
import type { EmitEvent } from "../core/events.js";
import type { SerialLine } from "../core/serial-line.js";
import { isLoopback, parseTcpAddress } from "../core/tcp-address.js";
import { TcpLine } from "../modem/tcp-line.js";
import { VirtualModem } from "../virtual/virtual-modem.js";

export interface ModemLineOptions {
  /** As in the configuration's modem.port. */
  readonly port: string;
  /** Baud rate that a virtual modem is set to. */
  readonly baudBps: number;
  readonly seed: number;
  /** Hosts beside this computer that a virtual modem may connect to. */
  readonly reach: readonly string[];
  readonly clock: Clock;
  readonly emit: EmitEvent;
}

export interface ModemLine {
  readonly line: SerialLine;
  /** null where the modem is a real one, or in another process. */
  readonly virtualModem: VirtualModem | null;
}

export function openModemLine(options: ModemLineOptions): ModemLine {
  const { port } = options;
  if (port === "virtual") {
    const virtualModem = createVirtualModem(options);
    return { line: virtualModem.line, virtualModem };
  }
  const address = parseTcpAddress(port);
  if (address !== undefined) return { line: new TcpLine(address), virtualModem: null };
  const line: SerialLine = {
    name: port,
    kind: "serial",
    open: (baudBps, signal) => new SerialBoardPort({ port, baud: baudBps }).open(signal),
  };
  return { line, virtualModem: null };
}

/** A virtual SIM900 that reaches this computer and the named hosts, and nothing else. */
export function createVirtualModem({
  baudBps,
  seed,
  reach,
  clock,
  emit,
}: Omit<ModemLineOptions, "port">): VirtualModem {
  const mayReach = (host: string) => isLoopback(host) || reach.includes(host);
  return new VirtualModem({ clock, seed, baudBps, emit, mayReach });
}
