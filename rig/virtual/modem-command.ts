/**
 * What a person, the network or bad luck does to the virtual SIM900, as plain objects.
 * Made by the verbs of plain mode and by scenarios; done by VirtualModem.
 */
export type ModemCommand =
  /** The supply of the modem. */
  | { readonly verb: "modem"; readonly on: boolean }
  | { readonly verb: "sim"; readonly inserted: boolean }
  /** Radio coverage. */
  | { readonly verb: "network"; readonly up: boolean }
  | { readonly verb: "fault"; readonly what: "modem"; readonly name: ModemFault | "none" }
  /** A phone sends a message to the modem's number. */
  | { readonly verb: "sms"; readonly number: string; readonly text: string };

export interface ModemFaultKind {
  readonly does: string;
  /** It is there until "none" takes it away; else it happens once, at the next occasion. */
  readonly lasts: boolean;
}

/** Faults that can be put upon the modem; "none" takes away what lasts. */
export const MODEM_FAULTS = {
  "no-sim": { lasts: true, does: "the SIM card is out" },
  pin: { lasts: true, does: "the SIM wants its PIN (1234) after a restart, which follows at once" },
  "wrong-apn": {
    lasts: true,
    does: "the network knows the access point name in use no more (or the next that is used, if none was yet); others work",
  },
  "ciicr-fails": { lasts: true, does: "the network gives no PDP context, whatever the access point name" },
  "connect-fail": {
    lasts: true,
    does:
      "every TCP connection fails, after 20 s or, one in three, after 75 to 95 s; " +
      "one of these that the host gives up before says CONNECT FAIL at that moment",
  },
  "send-fail": { lasts: false, does: "the next CIPSEND ends in SEND FAIL" },
  "prompt-lost": { lasts: false, does: "the next CIPSEND brings no prompt" },
  "closed-lost": { lasts: false, does: "the peer closes the connection, and the modem does not say so" },
  "urc-lost": { lasts: false, does: "the next +CIPRXGET: 1 is not sent" },
  "urc-inside": { lasts: false, does: "the next answers have something unasked in their middle" },
  "pdp-deact": { lasts: false, does: "the network takes the PDP context away" },
  "brown-out": {
    lasts: false,
    does: "the supply dips: the modem restarts in the middle of whatever it does",
  },
  blackhole: { lasts: true, does: "bytes go nowhere while the connection looks open" },
} as const satisfies Record<string, ModemFaultKind>;
export type ModemFault = keyof typeof MODEM_FAULTS;
