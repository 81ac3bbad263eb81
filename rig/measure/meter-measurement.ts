/**
 * One meter's measuring, put together: samples -> window -> estimate -> registers -> reading.
 * It keeps no files and says nothing to anyone: who calls it saves `registers` before showing a reading.
 */
import type { Clock } from "../core/clock.js";
import type { Config, MeterConfig } from "../core/config.js";
import { analogChannel } from "../core/pin-names.js";
import type { Reading } from "../core/reading.js";
import { type Calibration, calibrate } from "./calibration.js";
import { type EstimatorOptions, estimate, type Waveform } from "./estimator.js";
import {
  afterPowerUp,
  applyReading,
  energyWh,
  maxDemandW,
  type Registers,
  runningDemandW,
} from "./registers.js";
import { clockScale, type TimeModel, uniformTimeModel } from "./time-model.js";
import { type SampleWindow, WindowCollector } from "./window.js";

export interface MeterMeasurementOptions {
  readonly meter: MeterConfig;
  readonly mains: Config["mains"];
  /** Length of a reading's window [ms]. */
  readonly readingMs: number;
  /** The firmware's sampling interval [ms]. */
  readonly intervalMs: number;
  readonly demandPeriodMs: number;
  /** Between the conversions of the meter's two channels, a constant of the compiled firmware [us]. */
  readonly channelSkewUs: number;
  readonly clock: Clock;
  /** As loaded at the start of the program; its running demand block is given up. */
  readonly registers: Registers;
}

export interface Measurement {
  readonly reading: Reading;
  readonly waveform: Waveform;
  /** The raw window, for teaching mode. */
  readonly window: SampleWindow;
}

export class MeterMeasurement {
  readonly calibration: Calibration;
  readonly #options: MeterMeasurementOptions;
  #collector: WindowCollector;
  #timeModel: TimeModel;
  #registers: Registers;

  constructor(options: MeterMeasurementOptions) {
    this.#options = options;
    this.calibration = calibrate(options.meter.current, options.meter.voltage);
    this.#registers = afterPowerUp(options.registers);
    this.#collector = this.#collect(options.intervalMs);
    this.#timeModel = this.#modelTime(options.intervalMs);
  }

  /** What must be on the disk before the last reading is shown. */
  get registers(): Registers {
    return this.#registers;
  }

  /** The board came back after a reset or a lost cable: sampling starts anew, the registers go on. */
  restart(intervalMs: number): void {
    this.#collector = this.#collect(intervalMs);
    this.#timeModel = this.#modelTime(intervalMs);
  }

  /** @returns what the window said that this sample completed, or null */
  push(channel: number, adcCounts: number, arrivalSteadyMs: number): Measurement | null {
    const window = this.#collector.push(channel, adcCounts, arrivalSteadyMs);
    if (window === null) return null;
    const { clock, demandPeriodMs } = this.#options;
    const { quantities, flags, waveform } = estimate(window, this.#estimatorOptions());
    const instants = window.currentCounts.length;
    const endMs = clock.nowMs() - (clock.steadyMs() - window.endSteadyMs);
    // The board's resonator may be off by 0.5 %: energy goes by the host's clock.
    const durationMs = (instants * window.intervalMs) / clockScale(window.sampleRateHz, window.intervalMs);
    const { activePowerW } = quantities;
    this.#registers = applyReading(this.#registers, { activePowerW, durationMs, endMs }, demandPeriodMs);
    const reading: Reading = {
      ...quantities,
      energyWh: energyWh(this.#registers),
      maxDemandW: maxDemandW(this.#registers),
      runningDemandW: runningDemandW(this.#registers),
      samples: instants - window.unpaired,
      sampleRateHz: window.sampleRateHz,
      flags,
      durationMs,
      endMs,
    };
    return { reading, waveform, window };
  }

  #collect(intervalMs: number): WindowCollector {
    const { meter, readingMs } = this.#options;
    return new WindowCollector({
      currentChannel: analogChannel(meter.current.pin),
      voltageChannel: meter.voltage === undefined ? null : analogChannel(meter.voltage.pin),
      intervalMs,
      windowMs: readingMs,
    });
  }

  #modelTime(intervalMs: number): TimeModel {
    const { current, voltage } = this.#options.meter;
    const skewS = this.#options.channelSkewUs / 1e6;
    // The firmware scans the lower channel first.
    const voltageFirst = voltage !== undefined && analogChannel(voltage.pin) < analogChannel(current.pin);
    return uniformTimeModel(intervalMs, voltageFirst ? -skewS : skewS);
  }

  #estimatorOptions(): EstimatorOptions {
    const { meter, mains } = this.#options;
    return {
      timeModel: this.#timeModel,
      calibration: this.calibration,
      nominal: { voltageV: mains.volts, frequencyHz: mains.hz, powerFactor: meter.nominalPowerFactor },
      creepA: meter.creep,
    };
  }
}
