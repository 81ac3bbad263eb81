/**
 * Commands of the line and of the module itself: echo, result codes, errors, baud rate, identity, battery, stored profile.
 * Taken without effect: ATX, AT&C, AT&D, ATS0, S3, S4, S5, AT+CSCLK and AT+IFC are remembered, ATH is not; AT+CBC always
 * tells of the same supply.
 * Source: SIM900 AT Command Manual V1.03, chapters 2, 3 and 6.
 */
import type { CommandForms, CommandTable } from "./command-table.js";
import type { Output } from "./output.js";
import { refuse } from "./refusal.js";
import { factoryProfile, type Profile, type Settings } from "./settings.js";
import { AUTOBAUD, BAUD_RATES_BPS } from "./uart.js";

const IDENTITY = "SIM900 R11.0";
const REVISION = "Revision:1137B10SIM900M64_ST";
/** The example of 3GPP TS 23.003. */
const IMEI = "490154203237518";
/** Not charging, 95 % full, 4050 mV: a good supply, which is 4.0 V by the Hardware Design V1.05. */
const BATTERY = "0,95,4050";
const ERROR_LEVELS = [0, 1, 2] as const;

export interface BasicCommandOptions {
  readonly output: Output;
  readonly settings: Settings;
  /** AT&W: keeps the profile beyond the supply. */
  readonly store: (profile: Profile) => void;
  readonly stored: () => Profile;
  /** AT+IPR, once the answer has left. */
  readonly changeBaud: (ipr: number) => void;
}

export function basicCommands({
  output,
  settings,
  store,
  stored,
  changeBaud,
}: BasicCommandOptions): CommandTable {
  const { profile } = settings;

  const flag = (name: "echo" | "quiet" | "verbose"): CommandForms => ({
    run: () => {
      profile[name] = false;
    },
    set: (args) => {
      profile[name] = args.whole(0, 0, 1) === 1;
    },
  });
  /** Remembered, and without effect here. */
  const inert = (name: string, highest: number, initial: number): CommandForms => ({
    test: `${name}: (0-${highest})`,
    run: () => void settings.inert.set(name, 0),
    read: () =>
      output.info(
        name.startsWith("+") ? `${name}: ${settings.inert.get(name) ?? initial}` : three(name, initial),
      ),
    set: (args) => void settings.inert.set(name, args.whole(0, 0, highest)),
  });
  const three = (name: string, initial: number) =>
    String(settings.inert.get(name) ?? initial).padStart(3, "0");
  const said = (text: string): CommandForms => ({ test: "", run: () => output.info(text) });
  /** There is one profile, number 0. */
  const profileCommand = (action: () => void): CommandForms => ({
    run: action,
    set: (args) => {
      args.whole(0, 0, 0);
      action();
    },
  });
  const takeUp = (from: Profile) => {
    // The rate of the line is not touched: the answer could not be read.
    Object.assign(profile, { ...from, ipr: profile.ipr });
  };

  return {
    E: flag("echo"),
    Q: flag("quiet"),
    V: flag("verbose"),
    X: inert("X", 4, 4),
    "&C": inert("&C", 1, 1),
    "&D": inert("&D", 2, 1),
    S0: inert("S0", 255, 0),
    S3: inert("S3", 127, 13),
    S4: inert("S4", 127, 10),
    S5: inert("S5", 127, 8),
    H: { run: () => undefined, set: (args) => void args.whole(0, 0, 5) },
    I: { run: () => output.info(IDENTITY), set: () => output.info(IDENTITY) },
    Z: profileCommand(() => takeUp(stored())),
    "&F": profileCommand(() => takeUp(factoryProfile(profile.ipr))),
    "&W": profileCommand(() => store(profile)),
    "+GMI": said("SIMCOM_Ltd"),
    "+CGMI": said("SIMCOM_Ltd"),
    "+GMM": said("SIMCOM_SIM900"),
    "+CGMM": said("SIMCOM_SIM900"),
    "+GMR": said(REVISION),
    "+CGMR": said(REVISION),
    "+GSN": said(IMEI),
    "+CGSN": said(IMEI),
    "+CMEE": {
      test: "+CMEE: (0-2)",
      read: () => output.info(`+CMEE: ${settings.errorLevel}`),
      set: (args) => {
        settings.errorLevel = ERROR_LEVELS[args.whole(0, 0, 2)]!;
      },
    },
    "+IPR": {
      test: `+IPR: (),(${[AUTOBAUD, ...BAUD_RATES_BPS].join(",")})`,
      read: () => output.info(`+IPR: ${profile.ipr}`),
      set: (args) => {
        const ipr = args.whole(0, 0, 115_200);
        if (ipr !== AUTOBAUD && !BAUD_RATES_BPS.includes(ipr)) refuse(765);
        profile.ipr = ipr;
        return () => changeBaud(ipr);
      },
    },
    "+IFC": {
      test: "+IFC: (0-2),(0-2)",
      read: () => output.info(`+IFC: ${profile.flowControl.join(",")}`),
      set: (args) => {
        const byModule = args.whole(0, 0, 2);
        profile.flowControl = [byModule, args.whole(1, 0, 2, byModule)];
      },
    },
    "+CBC": { test: "+CBC: (0-2),(1-100),(voltage)", run: () => output.info(`+CBC: ${BATTERY}`) },
    "+CSCLK": inert("+CSCLK", 2, 0),
    "+CIURC": {
      test: "+CIURC: (0,1)",
      read: () => output.info(`+CIURC: ${settings.callReady ? 1 : 0}`),
      set: (args) => {
        settings.callReady = args.whole(0, 0, 1) === 1;
      },
    },
  };
}
