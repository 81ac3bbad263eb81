/**
 * Commands of a TCP connection: CIPSTART, CIPSEND, CIPACK, CIPRXGET, CIPCLOSE and ATO.
 * Source: SIM900 AT Command Manual V1.03, chapter 8; AN_SIM900_TCPIP V1.02, 5 to 7 and 11.
 *
 * Where the sources leave it open: CIPSEND? without a connection says 0; ESC at the prompt is answered OK; what was
 * received before a close stays readable, and CIPRXGET=2 is refused once it is read.
 */
import { type Arguments, type CommandTable, type Ending, SAID } from "./command-table.js";
import { bringUp, type IpCommandOptions } from "./ip-commands.js";
import { MAX_LINKS, SEND_SIZE_BYTES } from "./ip-stack.js";
import { ONE_WAY_MS } from "./latency.js";
import type { LineReader } from "./line-reader.js";
import { refuse, refusePlainly } from "./refusal.js";
import type { TcpLink } from "./tcp-link.js";
import { TransparentEar } from "./transparent.js";

/** Source: SIM900 AT Command Manual V1.03, AT+CIPRXGET: most that one pull gives, as bytes and as hex. */
const MAX_PULL_BYTES = 1460;
const MAX_HEX_PULL_BYTES = 730;

export interface ConnectionCommandOptions extends IpCommandOptions {
  readonly reader: LineReader;
}

export function connectionCommands(options: ConnectionCommandOptions): CommandTable {
  const { scope, latency, output, network, stack, reader } = options;

  /** Takes the connection's number from the front of the arguments, where there are many. */
  const addressed = (args: Arguments): { id: number; link: TcpLink; rest: Arguments } => {
    const id = stack.multi ? args.whole(0, 0, MAX_LINKS - 1) : 0;
    return { id, link: stack.link(id), rest: stack.multi ? args.after(1) : args };
  };

  return {
    "+CIPSTART": {
      test: '+CIPSTART: ("TCP"),("(0-255).(0-255).(0-255).(0-255)","domain name"),(1-65535)',
      set: (args) => {
        const { id, link, rest } = addressed(args);
        if (rest.text(0, 3).toUpperCase() !== "TCP") refuse(4);
        const host = rest.text(1, 255);
        const port = rest.whole(2, 1, 65_535);
        if (!/^[A-Za-z0-9._:-]+$/.test(host)) refuse(765);
        if (link.open) {
          output.last(stack.about(id, "ALREADY CONNECT"));
          return SAID;
        }
        const fromNothing = !stack.multi && stack.stage === "IP INITIAL";
        if (stack.stage !== "IP STATUS" && !fromNothing) refuse(3);
        return () => void connect(id, link, host, port);
      },
    },
    "+CIPCLOSE": {
      test: "+CIPCLOSE: (0,1)",
      run: () => (stack.multi ? refuse(3) : close(0, stack.link(0), false)),
      set: (args) => {
        const { id, link, rest } = addressed(args);
        return close(id, link, rest.whole(0, 0, 1, 0) === 1);
      },
    },
    "+CIPSEND": {
      test: "+CIPSEND: <length>",
      read: () => {
        const size = (link: TcpLink) => (link.state === "CONNECTED" ? SEND_SIZE_BYTES : 0);
        if (stack.multi) stack.links.forEach((link, id) => void output.info(`+CIPSEND: ${id},${size(link)}`));
        else output.info(`+CIPSEND: ${size(stack.link(0))}`);
      },
      run: () => (stack.multi ? refuse(3) : send(0, stack.link(0), null)),
      set: (args) => {
        const { id, link, rest } = addressed(args);
        // "Must be less than the size" that CIPSEND? says (M900, AT+CIPSEND).
        return send(id, link, rest.has(0) ? rest.whole(0, 1, SEND_SIZE_BYTES - 1) : null);
      },
    },
    "+CIPACK": {
      test: "",
      run: () => (stack.multi ? refuse(3) : acknowledged(stack.link(0))),
      set: (args) => acknowledged(addressed(args).link),
    },
    "+CIPRXGET": {
      test: "+CIPRXGET: (0-4),(1-1460)",
      read: () => output.info(`+CIPRXGET: ${stack.modes.CIPRXGET}`),
      set: receive,
    },
    O: {
      run: () => {
        if (stack.modes.CIPMODE !== 1 || stack.link(0).state !== "CONNECTED") output.result("NO CARRIER");
        else enterDataMode(stack.link(0));
        return SAID;
      },
    },
  };

  async function connect(id: number, link: TcpLink, host: string, port: number): Promise<void> {
    if (stack.stage === "IP INITIAL") {
      if (!(await bringUp(options))) {
        tellFailure(id);
        return;
      }
      stack.stage = "IP STATUS";
    }
    if (!(await link.connect(host, port))) tellFailure(id);
    else if (stack.modes.CIPMODE === 1) enterDataMode(link);
    else output.urc(stack.about(id, "CONNECT OK"));
  }

  function tellFailure(id: number): void {
    if (!stack.multi) output.urc(`STATE: ${stack.state}`);
    output.urc(stack.about(id, "CONNECT FAIL"));
  }

  async function close(id: number, link: TcpLink, quick: boolean): Promise<Ending> {
    if (link.state !== "CONNECTING" && link.state !== "CONNECTED") refuse(3);
    await link.close(quick);
    output.last(stack.about(id, "CLOSE OK"));
    return SAID;
  }

  async function send(id: number, link: TcpLink, count: number | null): Promise<Ending> {
    if (link.state !== "CONNECTED" || stack.modes.CIPMODE === 1) refuse(3);
    if (!network.faults.takes("prompt-lost") && stack.modes.CIPSPRT === 1) output.text("\r\n> ");
    stack.typing = link;
    const { how, bytes } = await reader.collect(
      count === null ? { maxBytes: SEND_SIZE_BYTES, onReturn: () => undefined } : { count },
    );
    stack.typing = null;
    if (how === "escaped") return undefined;
    if (how === "too-long") refusePlainly();
    const fails = network.faults.takes("send-fail");
    if (how === "aborted" || link.state !== "CONNECTED") {
      output.last(stack.about(id, "SEND FAIL"));
    } else if (fails) {
      await scope.pause(2 * latency.of(ONE_WAY_MS));
      output.last(stack.about(id, "SEND FAIL"));
    } else if (stack.modes.CIPQSEND === 1) {
      void link.send(bytes);
      output.last(`DATA ACCEPT:${stack.multi ? `${id},` : ""}${bytes.length}`);
    } else {
      const sent = await link.send(bytes);
      if (!sent) output.last(stack.about(id, "SEND FAIL"));
      else if (stack.modes.CIPSPRT !== 2) output.last(stack.about(id, "SEND OK"));
    }
    return SAID;
  }

  function acknowledged(link: TcpLink): void {
    if (link.state === "INITIAL") refuse(3);
    const { sentBytes, acknowledgedBytes } = link;
    output.info(`+CIPACK: ${sentBytes}, ${acknowledgedBytes}, ${sentBytes - acknowledgedBytes}`);
  }

  function receive(args: Arguments): void {
    const mode = args.whole(0, 0, 4);
    if (mode <= 1) {
      if (stack.anyOpen) refuse(3);
      stack.modes.CIPRXGET = mode;
      return;
    }
    const { id, link, rest } = addressed(args.after(1));
    if (stack.modes.CIPRXGET !== 1) refuse(3);
    if (link.state !== "CONNECTED" && link.unreadBytes === 0) refuse(3);
    const head = `+CIPRXGET: ${mode},${stack.multi ? `${id},` : ""}`;
    if (mode === 4) {
      output.info(`${head}${link.unreadBytes}`);
      return;
    }
    const bytes = link.take(rest.whole(0, 1, mode === 2 ? MAX_PULL_BYTES : MAX_HEX_PULL_BYTES));
    const body = Buffer.from(bytes);
    const shown = mode === 2 ? body : Buffer.from(body.toString("hex").toUpperCase());
    output.info(`${head}${bytes.length},${link.unreadBytes}`);
    output.bytes(shown);
  }

  function enterDataMode(link: TcpLink): void {
    output.result("CONNECT");
    const ear = new TransparentEar({
      scope,
      onPayload: (bytes) => void link.send(bytes),
      onEscape: () => {
        leave();
        output.result("OK");
      },
    });
    const leave = () => {
      stack.leaveDataMode = null;
      ear.stop();
      output.silent = false;
      reader.listen();
    };
    output.silent = true;
    stack.leaveDataMode = leave;
    reader.passThrough((byte) => ear.accept(byte));
    stack.push();
  }
}
