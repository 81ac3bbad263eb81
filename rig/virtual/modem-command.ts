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

/** Faults that can be put upon the modem, with what each does; "none" takes away what lasts. */
export const MODEM_FAULTS = {
  "no-sim": "the SIM card is out, until none",
  pin: "the SIM wants its PIN (1234) after a restart, which follows at once",
  "wrong-apn": "the network refuses the access point name, until none",
  "ciicr-fails": "the network gives no PDP context, until none",
  "connect-fail": "every TCP connection fails, late, until none",
  "send-fail": "the next CIPSEND ends in SEND FAIL",
  "prompt-lost": "the next CIPSEND brings no prompt",
  "closed-lost": "the peer closes the connection, and the modem does not say so",
  "urc-lost": "the next +CIPRXGET: 1 is not sent",
  "urc-inside": "the next answers have something unasked in their middle",
  "pdp-deact": "the network takes the PDP context away",
  "brown-out": "the supply dips: the modem restarts in the middle of whatever it does",
  blackhole: "bytes go nowhere while the connection looks open, until none",
} as const;
export type ModemFault = keyof typeof MODEM_FAULTS;
