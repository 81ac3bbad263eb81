/**
 * Commands of the bearer and of how connections behave: CSTT, CIICR, CIFSR, CIPSHUT, CIPSTATUS, CIPMUX, CDNSCFG, CDNSGIP and
 * the modes.
 * Remembered without effect: CIPQRCLOSE and the name servers of CDNSCFG. The user name and password of CSTT are forgotten at once.
 * Source: SIM900 AT Command Manual V1.03, chapter 8; AN_SIM900_TCPIP V1.02; upper limits of time: SIM800 AT Command Manual V1.10.
 */
import { isIPv4 } from "node:net";
import { type CommandForms, type CommandTable, SAID } from "./command-table.js";
import { type IpModes, type IpStack, NO_ADDRESS } from "./ip-stack.js";
import { CIICR_MS, CIPSHUT_MS, DNS_MS, type Latency } from "./latency.js";
import type { MobileNetwork } from "./network.js";
import type { Output } from "./output.js";
import type { PowerScope } from "./power-scope.js";
import type { Radio } from "./radio.js";
import { refuse, refusePlainly } from "./refusal.js";

const ADDRESS = "10.78.245.128";
const MAX_STRING = 50;
/** How long the network thinks before it says no. */
const REFUSED_CONTEXT_MS = 4000;
/** Source: SIM900 AT Command Manual V1.03, AT+CDNSGIP: a general DNS error. */
const DNS_ERROR = 10;

export interface IpCommandOptions {
  readonly scope: PowerScope;
  readonly latency: Latency;
  readonly output: Output;
  readonly network: MobileNetwork;
  readonly radio: Radio;
  readonly stack: IpStack;
}

export function ipCommands(options: IpCommandOptions): CommandTable {
  const { scope, latency, output, network, stack } = options;

  /** A mode that may be changed as long as no connection is open. */
  const mode = (name: keyof IpModes, highest: number): CommandForms => ({
    test: `+${name}: (0-${highest})`,
    read: () => output.info(`+${name}: ${stack.modes[name]}`),
    set: (args) => {
      const value = args.whole(0, 0, highest);
      if (stack.anyOpen) refuse(3);
      stack.modes[name] = value;
    },
  });

  return {
    "+CIPSHUT": {
      test: "",
      run: async () => {
        await scope.pause(latency.of(CIPSHUT_MS));
        stack.shut("IP INITIAL");
        output.last("SHUT OK");
        return SAID;
      },
    },
    "+CSTT": {
      test: '+CSTT: "APN","USER","PWD"',
      // Neither the user's name nor the password is ever said again.
      read: () => output.info(`+CSTT: "${stack.accessPoint}","",""`),
      run: () => {
        if (stack.stage !== "IP INITIAL") refuse(3);
        stack.stage = "IP START";
      },
      set: (args) => {
        const accessPoint = args.text(0, MAX_STRING);
        args.text(1, MAX_STRING, "");
        args.text(2, MAX_STRING, "");
        if (stack.stage !== "IP INITIAL") refuse(3);
        stack.accessPoint = accessPoint;
        stack.stage = "IP START";
      },
    },
    "+CIICR": {
      test: "",
      run: async () => {
        if (stack.stage !== "IP START") refuse(3);
        if (!(await bringUp(options))) refusePlainly();
      },
    },
    "+CIFSR": {
      test: "",
      run: () => {
        if (!stack.bearerUp) refuse(3);
        stack.stage = "IP STATUS";
        output.last(ADDRESS);
        return SAID;
      },
    },
    "+CIPSTATUS": {
      test: "",
      run: () => () => {
        output.info(`STATE: ${stack.state}`);
        if (stack.multi) output.text(`\r\n${linkLines(stack).join("\r\n")}\r\n`);
      },
    },
    "+CIPMUX": {
      test: "+CIPMUX: (0,1)",
      read: () => output.info(`+CIPMUX: ${stack.multi ? 1 : 0}`),
      set: (args) => {
        const multi = args.whole(0, 0, 1) === 1;
        if (stack.stage !== "IP INITIAL" || (multi && stack.modes.CIPMODE === 1)) refuse(3);
        stack.multi = multi;
      },
    },
    "+CIPMODE": {
      ...mode("CIPMODE", 1),
      set: (args) => {
        const transparent = args.whole(0, 0, 1);
        if (stack.anyOpen || (transparent === 1 && stack.multi)) refuse(3);
        stack.modes.CIPMODE = transparent;
      },
    },
    "+CIPHEAD": mode("CIPHEAD", 1),
    "+CIPSHOWTP": mode("CIPSHOWTP", 1),
    "+CIPSRIP": mode("CIPSRIP", 1),
    "+CIPQSEND": mode("CIPQSEND", 1),
    "+CIPSPRT": mode("CIPSPRT", 2),
    "+CIPQRCLOSE": mode("CIPQRCLOSE", 1),
    "+CDNSCFG": {
      test: '+CDNSCFG: ("Primary DNS"),("Secondary DNS")',
      read: () => {
        const [primary, secondary] = stack.nameServers;
        output.info(`PrimaryDns: ${primary}\r\nSecondaryDns: ${secondary}`);
      },
      set: (args) => {
        const address = (index: number, fallback?: string) => {
          const text = args.text(index, 15, fallback);
          return isIPv4(text) ? text : refuse(765);
        };
        stack.nameServers = [address(0), address(1, NO_ADDRESS)];
      },
    },
    "+CDNSGIP": {
      test: "",
      set: (args) => {
        const host = args.text(0, 255);
        if (!stack.bearerUp) refuse(3);
        return () => void answerName(host);
      },
    },
  };

  async function answerName(host: string): Promise<void> {
    await scope.pause(latency.of(DNS_MS));
    const address = network.blackhole ? null : await network.resolve(host);
    output.urc(address === null ? `+CDNSGIP: 0,${DNS_ERROR}` : `+CDNSGIP: 1,"${host}","${address}"`);
  }
}

/**
 * From IP START to IP GPRSACT.
 * @returns false: refused, and +PDP: DEACT was said where the network had begun to give one
 */
export async function bringUp({ scope, latency, network, radio, stack }: IpCommandOptions): Promise<boolean> {
  stack.stage = "IP CONFIG";
  const refused = () => network.faults.refusesContext(stack.accessPoint);
  await scope.pause(refused() ? REFUSED_CONTEXT_MS : latency.of(CIICR_MS));
  if (stack.stage !== "IP CONFIG") return false;
  if (!radio.attached) {
    stack.stage = "IP START";
    return false;
  }
  if (refused()) {
    stack.loseBearer();
    return false;
  }
  stack.stage = "IP GPRSACT";
  return true;
}

function linkLines(stack: IpStack): string[] {
  return stack.links.map((link, id) => {
    if (link.state === "INITIAL") return `C: ${id},,"","","","INITIAL"`;
    return `C: ${id},0,"TCP","${link.remoteAddress}","${link.port}","${link.state}"`;
  });
}
