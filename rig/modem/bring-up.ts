/**
 * The paper's sequence from a modem that answers to a TCP connection, with what it leaves out: echo, flow control, the SIM's
 * PIN, waiting for the network, the receive mode. Nothing is taken as set: what a modem keeps over a restart differs.
 * Source: AN_SIM900_TCPIP V1.02 figure 2 and section 5; SIM900 AT Command Manual V1.03.
 */
import type { ModemConfig } from "../core/config.js";
import { ModemError } from "../core/errors.js";
import type { ModemState } from "../core/events.js";
import type { SerialLine } from "../core/serial-line.js";
import { isLoopback } from "../core/tcp-address.js";
import type { AtCommand, AtPort } from "./at-command.js";
import { LARGEST_SEND_BYTES } from "./gprs-socket.js";
import { restartedUnheard } from "./link-failure.js";
import { ModemRefusal, orRefused } from "./result-codes.js";
import * as sim900 from "./sim900-commands.js";
import * as tcp from "./sim900-tcp.js";

export interface BringUpOptions {
  readonly port: AtPort;
  readonly config: ModemConfig;
  readonly line: Pick<SerialLine, "name" | "kind">;
  readonly signal: AbortSignal;
  readonly say: (state: ModemState, detail: string) => void;
}

/**
 * Everything that does not need a network. @returns what the modem calls itself
 * @throws as AtPort.run
 */
export async function setUpModem({ port, config, line, signal }: BringUpOptions): Promise<string> {
  const run = <T>(command: AtCommand<T>) => port.run(command, signal);
  // Twice: what was typed before may have spoiled the first.
  await run(sim900.echoOff()).catch(orRefused(undefined));
  await run(sim900.echoOff());
  await run(sim900.errorCodes());
  await run(sim900.noFlowControl()).catch(orRefused(undefined));
  if (line.kind !== "tcp") await fixAutobaud(run, config.baud, line.name);
  await run(sim900.reportRegistration()).catch(orRefused(undefined));
  await run(sim900.reportNetworkTime()).catch(orRefused(undefined));
  return await run(sim900.identity());
}

/**
 * With autobauding the modem says nothing when it starts, and a supply that gives way goes unnoticed. A rate that is fixed is
 * left alone, whatever it is: the modem is heard.
 */
async function fixAutobaud(
  run: <T>(command: AtCommand<T>) => Promise<T>,
  baudBps: number,
  lineName: string,
): Promise<void> {
  const rateBps = await run(sim900.baudRate()).catch(orRefused(baudBps));
  if (rateBps !== 0) return;
  await run(sim900.fixedBaud(baudBps)).catch(orRefused(undefined));
  try {
    await run(sim900.at());
  } catch (cause) {
    if (!isTimeout(cause)) throw cause;
    throw new ModemError(
      "modem/no-answer",
      `the modem on ${lineName} found its rate by itself (AT+IPR? says 0), took AT+IPR=${baudBps}, and is silent at ${baudBps} baud`,
      {
        cause,
        hint: "set modem.baud to the rate of the line, and switch the modem off and on: the rate was not stored",
      },
    );
  }
  await run(sim900.store()).catch(orRefused(undefined));
}

/** Brings a context up and reads the local address. @returns how what arrives is fetched: pulled, or pushed where the modem cannot */
export async function bringUpContext({
  port,
  config,
  signal,
  say,
}: BringUpOptions): Promise<"pull" | "push"> {
  const run = <T>(command: AtCommand<T>) => port.run(command, signal);
  const { apn, user, password } = config;
  say("connecting", "joining the packet service (AT+CGATT)");
  if (!(await run(sim900.attached()))) {
    await run(sim900.attach(true)).catch((cause: unknown) => {
      throw isRefusal(cause)
        ? new ModemError("modem/not-attached", `the network does not let the modem join: ${cause.message}`, {
            cause,
            hint: "the first time it may take minutes; check that the SIM's contract has data, and that 2G is still served here",
          })
        : cause;
    });
  }
  await run(tcp.shut());
  await run(tcp.singleConnection());
  await run(tcp.commandMode()).catch(orRefused(undefined));
  // Manual receive is the only one with back-pressure; firmware before 2011 may lack it.
  const receive = await run(tcp.manualReceive()).then(() => "pull" as const, orRefused("push" as const));
  if (receive === "push") await run(tcp.pushHeader());
  await run(tcp.acknowledgedSend()).catch(orRefused(undefined));
  say("connecting", `bringing up the context (APN "${apn}")`);
  try {
    await run(tcp.setContext({ apn, user, password }));
    await run(tcp.bringUpContext());
    await run(tcp.localAddress());
  } catch (cause) {
    if (!isRefusal(cause) && !isTimeout(cause)) throw cause;
    throw new ModemError("modem/no-context", `the network gives no PDP context: ${cause.message}`, {
      cause,
      hint: `check modem.apn, which is "${apn}", with modem.user and modem.password, and that the SIM's contract has data`,
    });
  }
  return receive;
}

/**
 * Opens the TCP connection.
 * @throws ModemError "modem/restarted" (the context is gone with everything else: a restart whose RDY was not heard),
 * "modem/connect-failed" (the peer was not reached), "modem/wrong-state" (not from here: the context has to be made anew); as
 * AtPort.run
 */
export async function connectSocket(
  { port, line, signal, say }: BringUpOptions,
  { host, port: tcpPort }: { readonly host: string; readonly port: number },
): Promise<void> {
  say("connecting", `connecting to ${host}:${tcpPort}`);
  const state = await port.run(tcp.status(), signal);
  if (state === "IP INITIAL") throw restartedUnheard();
  if (state !== "IP STATUS" && state !== "TCP CLOSED") {
    throw new ModemError("modem/wrong-state", `the modem is in ${state} before AT+CIPSTART`);
  }
  try {
    await port.run(tcp.connectTcp(host, tcpPort), signal);
  } catch (cause) {
    if (!isRefusal(cause) && !isTimeout(cause)) throw cause;
    // An error result is of the command; CONNECT FAIL and ALREADY CONNECT are results of their own.
    if (isRefusal(cause) && (cause.result !== null || /ALREADY|transparent/.test(cause.message))) {
      throw new ModemError("modem/wrong-state", `no connection to ${host}:${tcpPort}: ${cause.message}`, {
        cause,
      });
    }
    throw new ModemError("modem/connect-failed", `no connection to ${host}:${tcpPort}: ${cause.message}`, {
      cause,
      hint: explainUnreachable(host, line),
    });
  }
}

/** For the connection that is open. @returns the most bytes of one AT+CIPSEND. Rejects as AtPort.run, except where it is refused */
export async function askSendSize(port: AtPort, signal: AbortSignal): Promise<number> {
  const size = await port.run(tcp.sendSize(), signal).catch(orRefused(LARGEST_SEND_BYTES + 1));
  return size > 1 ? Math.min(size - 1, LARGEST_SEND_BYTES) : LARGEST_SEND_BYTES;
}

function explainUnreachable(host: string, { name, kind }: Pick<SerialLine, "name" | "kind">): string {
  if (!isLoopback(host.toLowerCase().replace(/^\[|\]$/g, ""))) {
    const reach = kind === "virtual" ? "" : ", and that it can be reached from the internet";
    return `check broker.host and broker.port, that the broker runs${reach}`;
  }
  if (kind === "serial") {
    return `the mobile network cannot reach ${host}, which is this PC itself: broker.host has to be an address that the internet knows`;
  }
  const real = kind === "tcp" ? ` (a real modem behind ${name} could not reach ${host})` : "";
  return `check that the broker runs there, at broker.host and broker.port${real}`;
}

function isTimeout(error: unknown): error is ModemError {
  return error instanceof ModemError && error.code === "modem/timeout";
}

function isRefusal(error: unknown): error is ModemRefusal {
  return error instanceof ModemRefusal;
}
