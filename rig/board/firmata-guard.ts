/**
 * Bytes from the wire -> whole Firmata messages that firmata-io survives; everything else is dropped and counted.
 * Stands between the stream and firmata-io, which checks no data byte and throws on short or unexpected sysex.
 * Source: Firmata protocol 2.6 (github.com/firmata/protocol, protocol.md); what crashes firmata-io 2.3.0 read in its lib/firmata.js.
 */

/** What was survived on one board's wire. */
export interface GuardCounters {
  /** Bytes received that belong to no message passed on [bytes]. */
  readonly discardedBytes: number;
  /** Whole messages with a value or a form that no StandardFirmata sends. */
  readonly refusedMessages: number;
}

const DIGITAL_MESSAGE = 0x90;
const ANALOG_MESSAGE = 0xe0;
const START_SYSEX = 0xf0;
const END_SYSEX = 0xf7;
const REPORT_VERSION = 0xf9;
const ANALOG_MAPPING_RESPONSE = 0x6a;
const CAPABILITY_RESPONSE = 0x6c;
const PIN_STATE_RESPONSE = 0x6e;
const STRING_DATA = 0x71;
const I2C_REPLY = 0x77;
const REPORT_FIRMWARE = 0x79;

/** Longest sysex payload let through [bytes]: the capability reply of a 70-pin MEGA has about 1000. */
const MAX_SYSEX_PAYLOAD_BYTES = 2048;
/** Strings and names a UNO sends are below 64 characters, two bytes each. */
const MAX_TEXT_PAYLOAD_BYTES = 512;
/** Address, register and 64 data bytes, two bytes each. */
const MAX_I2C_PAYLOAD_BYTES = 132;
const MAX_PINS = 128;
/** Full scale of the 10-bit ADC [counts]. */
const MAX_ADC_COUNTS = 1023;
const MAX_PROTOCOL_MAJOR = 9;
const MAX_PROTOCOL_MINOR = 30;

export class FirmataGuard {
  #discardedBytes = 0;
  #refusedMessages = 0;
  #versionSeen = false;
  /** Pins of the board by its capability reply; 0 before. */
  #pinCount = 0;
  #mappingSeen = false;
  readonly #message = new Uint8Array(MAX_SYSEX_PAYLOAD_BYTES + 3);
  #length = 0;

  get counters(): GuardCounters {
    return { discardedBytes: this.#discardedBytes, refusedMessages: this.#refusedMessages };
  }

  /** @returns the whole messages completed by `bytes`, back to back, in order; empty if there are none. */
  push(bytes: Uint8Array): Uint8Array {
    const passed: number[] = [];
    for (const byte of bytes) this.#take(byte, passed);
    return Uint8Array.from(passed);
  }

  #take(byte: number, passed: number[]): void {
    const inSysex = this.#message[0] === START_SYSEX && this.#length > 0;
    if (byte >= 0x80 && !(inSysex && byte === END_SYSEX)) {
      // A command byte always starts a message: whatever was incomplete lost a byte.
      this.#discardedBytes += this.#length;
      this.#length = 0;
      if (!startsMessage(byte)) {
        this.#discardedBytes += 1;
        return;
      }
    } else if (this.#length === 0) {
      this.#discardedBytes += 1;
      return;
    }
    this.#message[this.#length] = byte;
    this.#length += 1;
    if (this.#message[0] === START_SYSEX ? byte === END_SYSEX : this.#length === 3) this.#finish(passed);
    else if (this.#length === this.#message.length) this.#refuse();
  }

  #finish(passed: number[]): void {
    const message = this.#message.subarray(0, this.#length);
    if (!this.#versionSeen && message[0] !== REPORT_VERSION) {
      // Left over from before the board was opened; firmata-io would ignore it, too.
      this.#discardedBytes += this.#length;
      this.#length = 0;
    } else if (this.#accepts(message)) {
      for (const byte of message) passed.push(byte);
      this.#length = 0;
    } else {
      this.#refuse();
    }
  }

  #refuse(): void {
    this.#refusedMessages += 1;
    this.#discardedBytes += this.#length;
    this.#length = 0;
  }

  #accepts(message: Uint8Array): boolean {
    const [command = 0, second = 0, third = 0] = message;
    if (command === START_SYSEX) return this.#acceptsSysex(second, message.subarray(2, -1));
    if (command === REPORT_VERSION) {
      const plausible = second >= 1 && second <= MAX_PROTOCOL_MAJOR && third <= MAX_PROTOCOL_MINOR;
      this.#versionSeen ||= plausible;
      return plausible;
    }
    const value = second | (third << 7);
    if ((command & 0xf0) === ANALOG_MESSAGE) return value <= MAX_ADC_COUNTS;
    // A port has eight pins; one beyond the board's last pin is noise.
    return value <= 0xff && (this.#pinCount === 0 || (command & 0x0f) * 8 < this.#pinCount);
  }

  #acceptsSysex(command: number, payload: Uint8Array): boolean {
    switch (command) {
      case REPORT_FIRMWARE:
        return payload.length >= 2 && payload.length % 2 === 0 && payload.length <= MAX_TEXT_PAYLOAD_BYTES;
      case CAPABILITY_RESPONSE: {
        const pins = countPins(payload);
        if (pins === 0) return false;
        // firmata-io keeps the pins of the first reply.
        if (this.#pinCount === 0) this.#pinCount = pins;
        return pins === this.#pinCount;
      }
      case ANALOG_MAPPING_RESPONSE: {
        // A second mapping would double firmata-io's list of analog pins.
        if (this.#mappingSeen || this.#pinCount === 0 || payload.length !== this.#pinCount) return false;
        this.#mappingSeen = true;
        return true;
      }
      case PIN_STATE_RESPONSE:
        return payload.length >= 3 && payload.length <= 6 && (payload[0] ?? MAX_PINS) < this.#pinCount;
      case STRING_DATA:
        return payload.length <= MAX_TEXT_PAYLOAD_BYTES;
      case I2C_REPLY:
        return payload.length >= 4 && payload.length % 2 === 0 && payload.length <= MAX_I2C_PAYLOAD_BYTES;
      default:
        return false;
    }
  }
}

function startsMessage(byte: number): boolean {
  const kind = byte & 0xf0;
  return (
    kind === ANALOG_MESSAGE || kind === DIGITAL_MESSAGE || byte === START_SYSEX || byte === REPORT_VERSION
  );
}

/** Pins in a capability reply, each (mode, resolution)* 0x7F; 0 if it is not well formed. */
function countPins(payload: Uint8Array): number {
  let pins = 0;
  let bytesOfPin = 0;
  for (const byte of payload) {
    // A resolution is at most 32 bits, a mode below 0x7F: 0x7F in the second place means that a byte was lost.
    if (byte === 0x7f) {
      if (bytesOfPin % 2 !== 0) return 0;
      pins += 1;
      bytesOfPin = 0;
    } else {
      if (bytesOfPin % 2 !== 0 && byte > 32) return 0;
      bytesOfPin += 1;
    }
  }
  return bytesOfPin === 0 && pins <= MAX_PINS ? pins : 0;
}
