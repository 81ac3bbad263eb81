/**
 * One meter, put together; the flow reads from top to bottom:
 * board -> samples -> measurement -> reading (registers saved first) -> interval -> report -> sealed frame -> journal and on.
 * The LCD and the events are views at the side.
 */
import { type BoardSession, BoardSupervisor } from "../board/supervisor.js";
import { type Clock, sleep } from "../core/clock.js";
import { type Config, channelSkewUs, type MeterConfig } from "../core/config.js";
import { describeError, StorageError } from "../core/errors.js";
import type { EmitEvent, LcdLines, MeasuredFields } from "../core/events.js";
import { analogChannel, firmataPin } from "../core/pin-names.js";
import type { Port } from "../core/port.js";
import type { Reading, Report } from "../core/reading.js";
import { createLcd, type Lcd } from "../display/lcd.js";
import { PAGE_PERIOD_MS, screenLines } from "../display/screens.js";
import type { Waveform } from "../measure/estimator.js";
import { addReading, type Interval, summarise } from "../measure/interval.js";
import { type Measurement, MeterMeasurement } from "../measure/meter-measurement.js";
import { paperFormulas } from "../measure/paper-formulas.js";
import type { LoadedRecord, RegisterFile } from "../measure/register-file.js";
import { energyWh } from "../measure/registers.js";
import type { Router } from "../route/router.js";
import { quantise } from "../seal/frame.js";
import type { Sealer } from "../seal/sealer.js";
import type { BoardPowerKey } from "./power-key.js";
import { StorageWatch } from "./storage-watch.js";

export interface MeterOptions {
  readonly meter: MeterConfig;
  readonly config: Config;
  readonly port: Port;
  readonly registerFile: RegisterFile;
  /** What the register file held at the start. */
  readonly kept: LoadedRecord;
  readonly sealer: Sealer;
  readonly router: Router;
  readonly clock: Clock;
  readonly emit: EmitEvent;
  readonly showWaveform: (meter: string, waveform: Waveform) => void;
  /** Teaching mode: the paper's formulas beside every reading. */
  readonly teach?: boolean;
  /** The modem's, where this meter's board drives it. */
  readonly powerKey?: BoardPowerKey | null;
}

/** What is on its way to the display gets there before the port closes: a full redraw is 420 bytes, 73 ms [ms]. */
const LAST_WORDS_MS = 150;

type UnnumberedReport = Omit<Report, "sequence">;

export class Meter {
  readonly #options: MeterOptions;
  readonly #supervisor: BoardSupervisor;
  #measurement: MeterMeasurement | null = null;
  #interval: Interval | null = null;
  /** Reports that could not be written to the journal yet, oldest first. */
  readonly #unwritten: UnnumberedReport[] = [];
  #savedEnergyWh: number;
  readonly #storage: StorageWatch;
  #reading: Reading | null = null;
  #lcd: Lcd | null = null;
  #shown: LcdLines | null = null;
  #stopping = false;

  constructor(options: MeterOptions) {
    this.#options = options;
    this.#savedEnergyWh = energyWh(options.kept.registers);
    const { meter, port, clock, emit } = options;
    this.#storage = new StorageWatch((text) =>
      emit({ event: "alert", kind: "storage", meter: meter.id, text }),
    );
    this.#supervisor = new BoardSupervisor({
      meter: meter.id,
      port,
      channels: [meter.current, meter.voltage].flatMap((sensor) =>
        sensor ? [analogChannel(sensor.pin)] : [],
      ),
      clock,
      emit,
      onReady: (session) => this.#boardReady(session),
      onLost: () => this.#boardLost(),
      onSample: (channel, adcCounts, arrivalMs) => this.#sample(channel, adcCounts, arrivalMs),
    });
  }

  start(): void {
    this.#reportKeptInterval();
    this.#supervisor.start();
  }

  /** Leaves the board and closes the running interval with a report of what was measured of it. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#options.powerKey?.boardLeaving();
    await sleep(this.#options.clock, LAST_WORDS_MS);
    await this.#supervisor.stop();
    this.#closeInterval();
  }

  #boardReady({ pins, samplingIntervalMs }: BoardSession): void {
    const { meter, config, clock, kept } = this.#options;
    // After a reset every digital pin drives LOW: the inputs of the wires first, so that no two outputs meet.
    for (const input of [meter.bus.in, meter.link.rx]) pins.setMode(firmataPin(input), "pullup");
    for (const output of [meter.bus.out, meter.link.tx, meter.relay, meter.led]) {
      pins.setMode(firmataPin(output), "output");
    }
    this.#options.powerKey?.boardReady(pins);
    if (this.#measurement === null) {
      this.#measurement = new MeterMeasurement({
        meter,
        mains: config.mains,
        readingMs: config.report.reading,
        intervalMs: samplingIntervalMs,
        demandPeriodMs: config.demand.period,
        channelSkewUs: channelSkewUs(config, meter),
        clock,
        registers: kept.registers,
      });
    } else {
      this.#measurement.restart(samplingIntervalMs);
    }
    this.#lcd = createLcd(meter.lcd, pins);
    this.#lcd?.begin();
    this.#shown = null;
    this.#refreshDisplay();
  }

  #boardLost(): void {
    this.#options.powerKey?.boardLost();
    this.#lcd = null;
    this.#reading = null;
    this.#closeInterval();
  }

  #sample(channel: number, adcCounts: number, arrivalMs: number): void {
    if (this.#stopping) return;
    const measured = this.#measurement?.push(channel, adcCounts, arrivalMs) ?? null;
    if (measured === null) return;
    const reading = this.#keep(measured.reading);
    this.#reading = reading;
    const { meter, config, emit, showWaveform } = this.#options;
    emit({
      event: "reading",
      meter: meter.id,
      ...measuredFields(reading),
      runningDemandW: reading.runningDemandW,
      measuredAt: isoTime(reading.endMs),
    });
    if (this.#options.teach) this.#teach(measured);
    showWaveform(meter.id, measured.waveform);
    const readings = this.#interval?.readings ?? 0;
    if (readings * config.report.reading >= config.report.every) this.#closeInterval();
    else this.#writeReports();
    this.#refreshDisplay();
  }

  #teach({ reading, window }: Measurement): void {
    const { meter, emit } = this.#options;
    const { currentAPerCount } = this.#measurement!.calibration;
    const { currentCounts } = window;
    const formulas = paperFormulas({ currentCounts, currentAPerCount, loadW: reading.activePowerW });
    emit({ event: "teaching", meter: meter.id, currentA: reading.currentA, formulas });
  }

  /**
   * Adds a reading to the interval and keeps both on disk with the registers, before anyone sees it.
   * @returns the reading as it may be shown: while the disk refuses, the energy stands still, since it must never go down
   */
  #keep(reading: Reading): Reading {
    const { meter, registerFile, router } = this.#options;
    const { registers } = this.#measurement!;
    const sequence = router.nextSequence(meter.id) + this.#unwritten.length;
    const record = { registers, open: { sequence, interval: addReading(this.#interval, reading) } };
    const saved = this.#storage.attempt("the register file", () => registerFile.save(record));
    if (saved) this.#savedEnergyWh = energyWh(registers);
    const shown = { ...reading, energyWh: this.#savedEnergyWh };
    this.#interval = addReading(this.#interval, shown);
    return shown;
  }

  /** A kill cut an interval short: what was measured of it is reported now, unless its report was in the journal already. */
  #reportKeptInterval(): void {
    const { meter, kept, router } = this.#options;
    if (kept.open === null || kept.open.sequence < router.nextSequence(meter.id)) return;
    this.#interval = kept.open.interval;
    this.#closeInterval();
  }

  #closeInterval(): void {
    if (this.#interval === null) return;
    this.#unwritten.push(summarise(this.#interval));
    this.#interval = null;
    this.#writeReports();
  }

  /** Seals what is ready and hands it over; what the disk does not take stays here and is tried again at the next reading. */
  #writeReports(): void {
    for (let report = this.#unwritten[0]; report !== undefined; report = this.#unwritten[0]) {
      if (!this.#storage.attempt("the journal", () => this.#writeReport(report!))) return;
      this.#unwritten.shift();
    }
  }

  #writeReport(unnumbered: UnnumberedReport): void {
    const { meter, router, sealer, emit } = this.#options;
    let sequence: number;
    try {
      sequence = router.submit(meter.id, (next) => sealer.seal({ ...unnumbered, sequence: next }));
    } catch (error) {
      if (error instanceof StorageError) throw error;
      // No frame can hold it, now or later; its energy is in the register all the same.
      emit({ event: "alert", kind: "report", meter: meter.id, text: describeError(error) });
      return;
    }
    const report = quantise({ ...unnumbered, sequence });
    emit({
      event: "report",
      meter: meter.id,
      sequence,
      ...measuredFields(report),
      runningDemandW: report.runningDemandW,
      measuredAt: isoTime(report.endMs),
      lengthMs: report.lengthMs,
      waiting: router.waiting(meter.id),
    });
  }

  #refreshDisplay(): void {
    if (this.#lcd === null) return;
    const { meter, clock, emit } = this.#options;
    const lines = screenLines({
      reading: this.#reading,
      route: "direct",
      carries: false,
      message: null,
      page: Math.floor(clock.steadyMs() / PAGE_PERIOD_MS),
    });
    this.#lcd.show(lines);
    if (this.#shown !== null && lines.every((line, row) => line === this.#shown?.[row])) return;
    this.#shown = lines;
    emit({ event: "display", meter: meter.id, lines });
  }
}

function measuredFields(source: Reading | Report): MeasuredFields {
  const { currentA, voltageV, voltageSource, activePowerW, apparentPowerVa, reactivePowerVar } = source;
  const { powerFactor, frequencyHz, energyWh, maxDemandW, samples, sampleRateHz, flags } = source;
  return {
    currentA,
    voltageV,
    voltageSource,
    activePowerW,
    apparentPowerVa,
    reactivePowerVar,
    powerFactor,
    frequencyHz,
    energyWh,
    maxDemandW,
    samples,
    sampleRateHz,
    flags,
  };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
