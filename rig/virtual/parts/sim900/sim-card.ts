/**
 * The SIM card: its lock, its service centre and its twenty places for messages. It keeps them when the module loses its supply.
 */

const PIN = "1234";
const PUK = "12345678";
const PIN_ATTEMPTS = 3;
const PUK_ATTEMPTS = 10;
const MESSAGE_SLOTS = 20;
/** A number that is kept free for made-up stories (Ofcom): nothing depends on it. */
const SERVICE_CENTRE = "+447700900000";

export interface StoredMessage {
  read: boolean;
  readonly number: string;
  readonly text: string;
  /** "yy/MM/dd,hh:mm:ss+zz" of the network. */
  readonly time: string;
}

export type LockState = "READY" | "SIM PIN" | "SIM PUK";

export class SimCard {
  /** In its holder, with its contacts where they belong. */
  present = true;
  /** Messages by their index less one; an undefined slot is free. */
  readonly slots: (StoredMessage | undefined)[] = new Array(MESSAGE_SLOTS).fill(undefined);
  /** AT+CSCA: digits, with or without a plus before them. */
  serviceCentre = SERVICE_CENTRE;
  #pin = PIN;
  #pinWanted = false;
  #verified = false;
  #pinAttempts = PIN_ATTEMPTS;
  #pukAttempts = PUK_ATTEMPTS;

  get lock(): LockState {
    if (this.#pinAttempts === 0) return "SIM PUK";
    return this.#pinWanted && !this.#verified ? "SIM PIN" : "READY";
  }

  get usedSlots(): number {
    return this.slots.filter((slot) => slot !== undefined).length;
  }

  /** The card gets its supply anew: what was unlocked is locked again. */
  powerUp(): void {
    this.#verified = false;
  }

  /** @param wanted whether the card asks for its PIN from the next power-up on; taking it away opens the card at once */
  setPinWanted(wanted: boolean): void {
    this.#pinWanted = wanted;
    if (wanted) return;
    this.#pinAttempts = PIN_ATTEMPTS;
    this.#pukAttempts = PUK_ATTEMPTS;
  }

  /** @returns whether it was the right one; the third wrong one in a row blocks the card */
  enterPin(pin: string): boolean {
    if (pin !== this.#pin) {
      this.#pinAttempts--;
      return false;
    }
    this.#pinAttempts = PIN_ATTEMPTS;
    this.#verified = true;
    return true;
  }

  /** Unblocks the card and gives it a new PIN; after ten wrong codes it stays blocked. */
  enterPuk(puk: string, newPin: string): boolean {
    if (this.#pukAttempts === 0) return false;
    if (puk !== PUK || !/^\d{4,8}$/.test(newPin)) {
      this.#pukAttempts--;
      return false;
    }
    this.#pukAttempts = PUK_ATTEMPTS;
    this.#pin = newPin;
    return this.enterPin(newPin);
  }
}
