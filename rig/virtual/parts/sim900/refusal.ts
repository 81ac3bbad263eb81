/**
 * A command that the module refuses, with the number it gives for it.
 * Source: SIM900 AT Command Manual V1.03, AT+CMEE and the lists of +CME ERROR and +CMS ERROR.
 */

export const CME_TEXTS = {
  3: "operation not allowed",
  4: "operation not supported",
  10: "SIM not inserted",
  11: "SIM PIN required",
  12: "SIM PUK required",
  14: "SIM busy",
  16: "incorrect password",
  765: "invalid input value",
} as const;

export const CMS_TEXTS = {
  302: "operation not allowed",
  303: "operation not supported",
  305: "invalid text mode parameter",
  310: "SIM not inserted",
  311: "SIM PIN required",
  316: "SIM PUK required",
  321: "invalid memory index",
  331: "no network service",
  512: "SIM not ready",
} as const;

export type CmeCode = keyof typeof CME_TEXTS;
export type CmsCode = keyof typeof CMS_TEXTS;

export class Refusal extends Error {
  /** null: the plain word ERROR, whatever AT+CMEE says. */
  readonly reason:
    | { readonly family: "CME"; readonly code: CmeCode }
    | { readonly family: "CMS"; readonly code: CmsCode }
    | null;

  constructor(reason: Refusal["reason"]) {
    super(reason === null ? "ERROR" : `${reason.family} ${reason.code}`);
    this.reason = reason;
  }
}

export function refuse(code: CmeCode): never {
  throw new Refusal({ family: "CME", code });
}

export function refuseMessage(code: CmsCode): never {
  throw new Refusal({ family: "CMS", code });
}

export function refusePlainly(): never {
  throw new Refusal(null);
}
