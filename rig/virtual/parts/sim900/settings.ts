/**
 * What the module is set to: how it answers, and what AT&W keeps of it.
 * Source: SIM900 AT Command Manual V1.03, 1.6 and AT&W.
 */

/** Kept in the module's memory by AT&W and taken up again at every start. */
export interface Profile {
  echo: boolean;
  quiet: boolean;
  verbose: boolean;
  /** AT+IPR: AUTOBAUD or a rate [bit/s]. */
  ipr: number;
  /** AT+IFC: flow control by the module, by the host. */
  flowControl: readonly [number, number];
}

export function factoryProfile(ipr: number): Profile {
  return { echo: true, quiet: false, verbose: true, ipr, flowControl: [0, 0] };
}

export class Settings {
  readonly profile: Profile;
  /** AT+CMEE. */
  errorLevel: 0 | 1 | 2 = 0;
  /** AT+CIURC: whether Call Ready is said. */
  callReady = true;
  /** Commands that are taken and remembered, and change nothing here (S registers, ATX, AT&C, AT&D). */
  readonly inert = new Map<string, number>();

  constructor(stored: Profile) {
    this.profile = { ...stored };
  }
}
