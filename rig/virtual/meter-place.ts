/**
 * One meter's place on the virtual bench: its UNO with sensors, display, relay and LED around it.
 * Takes host bytes and the mains -> gives the board's bytes and the state that a person at the bench would see.
 */
import type { MeterConfig } from "../core/config.js";
import type { LcdLines } from "../core/events.js";
import { analogChannel, firmataPin } from "../core/pin-names.js";
import type { I2cDevice } from "./boards/i2c-bus.js";
import { CYCLES_PER_US, Uno } from "./boards/uno.js";
import type { PortListener } from "./boards/uno-pins.js";
import { MeterDisplay } from "./meter-display.js";
import type { MainsPart } from "./parts/mains-part.js";
import type { MeterLoad, MeterSensor, TrueValues } from "./parts/meter-load.js";

/** What the meter's board, display and load look like at an instant. */
export interface MeterSnapshot {
  readonly meter: string;
  readonly plugged: boolean;
  readonly lcd: LcdLines;
  readonly timingViolations: number;
  readonly led: boolean;
  /** The relay lets the load's current flow. */
  readonly loadOn: boolean;
  readonly busIntact: boolean;
  /** Host bytes that the firmware was too slow to take. */
  readonly overruns: number;
  /** What ideal meters would read at this place. */
  readonly truth: TrueValues;
}

/** ACS712 at 5 V [V/A]. Source: Allegro ACS712 data sheet, performance characteristics. */
const HALL_GAIN_V_PER_A = { "acs712-5a": 0.185, "acs712-20a": 0.1, "acs712-30a": 0.066 } as const;
const VOLTAGE_GAIN = 0.005;
/** A2 hangs on the board's own 3.3 V when no sensor is there; other open analog pins are taken as 0 V. */
const REFERENCE_CHANNEL = 2;
const REFERENCE_V = 3.3;
/** More than a slice of bench time can bring; reached only while nobody takes the bytes. */
const FIRST_BUFFER_BYTES = 256;

export class MeterPlace {
  readonly id: string;
  readonly uno: Uno;
  readonly load: MeterLoad;
  readonly display: MeterDisplay;
  readonly #relayPin: number;
  readonly #ledPin: number;
  #sent = new Uint8Array(FIRST_BUFFER_BYTES);
  #sentBytes = 0;

  /**
   * @param program flash, shared between boards
   * @param portChanged told of every change of the board's pins, after this place's own parts have seen it
   */
  constructor(config: MeterConfig, mains: MainsPart, program: Uint16Array, portChanged: PortListener) {
    this.id = config.id;
    this.load = mains.addMeter(sensorOf(config));
    this.load.setLamps(config.virtual.lamps);
    this.display = new MeterDisplay(config.lcd);
    this.#relayPin = firmataPin(config.relay);
    this.#ledPin = firmataPin(config.led);
    const currentChannel = analogChannel(config.current.pin);
    const voltageChannel = config.voltage === undefined ? -1 : analogChannel(config.voltage.pin);
    this.uno = new Uno({
      program,
      analog: (channel, timeS) => {
        if (channel === currentChannel) return this.load.currentPinV(timeS);
        if (channel === voltageChannel) return this.load.voltagePinV(timeS);
        return channel === REFERENCE_CHANNEL ? REFERENCE_V : 0;
      },
      i2c: this.display.backpack === null ? [] : [this.display.backpack satisfies I2cDevice],
      transmitted: (byte) => this.#keep(byte),
    });
    this.uno.pins.onPortChange((port) => {
      if (this.uno.powered) this.display.portChanged(this.uno.pins, port, this.uno.cycles / CYCLES_PER_US);
      this.load.switchedOn = this.#loadOn;
      portChanged(port);
    });
  }

  /** Takes what the board has sent since the last call; the array is the caller's. */
  takeSent(): Uint8Array<ArrayBuffer> {
    const bytes = this.#sent.slice(0, this.#sentBytes);
    this.#sentBytes = 0;
    return bytes;
  }

  /** Pulls the USB cable, which is the supply of board and display. */
  unplug(): void {
    this.uno.powerOff();
    this.display.powerOff();
    this.#sentBytes = 0;
  }

  /** Starts the firmware at the bench time `cycle`: plugged in, reset by DTR or by the button. */
  start(cycle: number): void {
    if (!this.uno.powered) this.display.powerOn(cycle / CYCLES_PER_US);
    this.uno.powerOn(cycle);
  }

  snapshot(busIntact: boolean): MeterSnapshot {
    return {
      meter: this.id,
      plugged: this.uno.powered,
      lcd: this.display.lines,
      timingViolations: this.display.timingViolations,
      led: this.uno.pins.drive(this.#ledPin) === 1,
      loadOn: this.load.switchedOn,
      busIntact,
      overruns: this.uno.overruns,
      truth: this.load.truth(),
    };
  }

  /** The relay opens only while its pin is driven high: a pin that is an input, or a dead board, leaves the load on. */
  get #loadOn(): boolean {
    return this.uno.pins.drive(this.#relayPin) !== 1;
  }

  #keep(byte: number): void {
    if (this.#sentBytes === this.#sent.length) {
      const larger = new Uint8Array(this.#sent.length * 2);
      larger.set(this.#sent);
      this.#sent = larger;
    }
    this.#sent[this.#sentBytes++] = byte;
  }
}

function sensorOf(config: MeterConfig): MeterSensor {
  const { current, voltage, virtual } = config;
  return {
    ratio: virtual.ratio ?? current.ratio,
    burdenOhm: virtual.burden ?? current.burden,
    voltageGain: virtual.gain ?? voltage?.gain ?? VOLTAGE_GAIN,
    biasV: virtual.bias,
    noiseLsb: virtual.noise,
    ...(current.sensor === "zmct103c" ? {} : { currentGainVPerA: HALL_GAIN_V_PER_A[current.sensor] }),
  };
}
