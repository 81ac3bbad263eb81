/**
 * A real Arduino, or the modem, on a serial port, found by path or by USB serial number: Port -> Duplex over serialport 13.
 * Opening raises DTR, which resets an UNO; closing drops it (hupcl), so that every opening does.
 * Source: serialport 13 (README, @serialport/bindings-cpp 13); StandardFirmata speaks 57600 baud 8N1.
 */
import type { Duplex } from "node:stream";
import { SerialPort } from "serialport";
import { type Clock, systemClock } from "../core/clock.js";
import { PortError } from "../core/errors.js";
import type { Port } from "../core/port.js";
import { listPorts, type PortInfo } from "./list-ports.js";
import {
  busyPort,
  explainOpenFailure,
  missingPort,
  type PortSurroundings,
  systemSurroundings,
} from "./port-failure.js";
import { type SerialDevice, SerialStream } from "./serial-stream.js";

const FIRMATA_BAUD = 57_600;
/** A port that opens at all does so in some 10 ms; Bluetooth ports and broken drivers hang for ever [ms]. */
const OPEN_LIMIT_MS = 5000;

export interface SerialBoardPortOptions {
  /** Path of the port, or the board's USB serial number, as in the config's board.port. */
  readonly port: string | { readonly serialNumber: string };
  /** Baud rate of the firmware; 57600 if left out. */
  readonly baud?: number;
  /** Starts opening a port and calls back later, after it has returned; replaced in tests. */
  readonly openDevice?: (path: string, baud: number, opened: (error: Error | null) => void) => SerialDevice;
  readonly listPorts?: () => Promise<readonly PortInfo[]>;
  readonly surroundings?: PortSurroundings;
  readonly clock?: Clock;
}

export class SerialBoardPort implements Port {
  readonly #options: SerialBoardPortOptions;
  readonly #listPorts: () => Promise<readonly PortInfo[]>;
  #path: string | null;
  /** From the start of an open until its stream is closed. */
  #inUse = false;

  constructor(options: SerialBoardPortOptions) {
    this.#options = options;
    this.#listPorts = options.listPorts ?? listPorts;
    this.#path = typeof options.port === "string" ? options.port : null;
  }

  get name(): string {
    if (this.#path !== null) return this.#path;
    return typeof this.#options.port === "string"
      ? this.#options.port
      : `with serial number ${this.#options.port.serialNumber}`;
  }

  /** Rejects with a PortError: port/missing, port/permission, port/busy, port/timeout or port/failed. */
  async open(signal?: AbortSignal): Promise<Duplex> {
    signal?.throwIfAborted();
    if (this.#inUse) throw busyPort(this.name, ["this program itself"]);
    this.#inUse = true;
    try {
      const path = await this.#findPath();
      const device = await this.#openDevice(path, signal);
      const stream = new SerialStream(device, path);
      stream.once("close", () => {
        this.#inUse = false;
      });
      return stream;
    } catch (error) {
      this.#inUse = false;
      throw error;
    }
  }

  /** Opens the port and closes it again, to say before anything is started why it cannot be used. Rejects as open does. */
  async check(signal?: AbortSignal): Promise<void> {
    const stream = await this.open(signal);
    const closed = new Promise<void>((resolve) => stream.once("close", resolve));
    // Lost within that moment: the next opening will say so.
    stream.on("error", () => undefined);
    stream.destroy();
    await closed;
  }

  /** A board found by its serial number may have another path each time it is plugged in. */
  async #findPath(): Promise<string> {
    const { port } = this.#options;
    if (typeof port === "string") return port;
    const present = await this.#listPorts();
    const found = present.find(({ serialNumber }) => serialNumber === port.serialNumber);
    if (found === undefined) {
      this.#path = null;
      throw missingPort(this.name, present);
    }
    this.#path = found.path;
    return found.path;
  }

  #openDevice(path: string, signal: AbortSignal | undefined): Promise<SerialDevice> {
    const { baud = FIRMATA_BAUD, openDevice = openSerialPort, clock = systemClock } = this.#options;
    const surroundings = this.#options.surroundings ?? systemSurroundings(this.#listPorts);
    return new Promise((resolve, reject) => {
      let waiting = true;
      const settle = (action: () => void) => {
        if (!waiting) return;
        waiting = false;
        cancelLimit();
        signal?.removeEventListener("abort", onAbort);
        action();
      };
      const onAbort = () => settle(() => reject(signal?.reason));
      const cancelLimit = clock.after(OPEN_LIMIT_MS, () =>
        settle(() =>
          reject(
            new PortError("port/timeout", `${path} did not open within ${OPEN_LIMIT_MS} ms`, {
              hint: "unplug the device and plug it in again, and check its driver",
            }),
          ),
        ),
      );
      signal?.addEventListener("abort", onAbort, { once: true });
      const fail = (error: unknown) =>
        settle(() => void explainOpenFailure(path, error, surroundings).then(reject));
      if (signal?.aborted) return onAbort();
      try {
        const device = openDevice(path, baud, (error) => {
          if (error !== null) fail(error);
          else if (waiting) settle(() => resolve(device));
          else closeUnwanted(device);
        });
      } catch (error) {
        fail(error);
      }
    });
  }
}

function openSerialPort(path: string, baud: number, opened: (error: Error | null) => void): SerialDevice {
  const device = new SerialPort({ path, baudRate: baud, autoOpen: false });
  device.open(opened);
  return device;
}

/** Opened after it had been given up. */
function closeUnwanted(device: SerialDevice): void {
  device.on("error", () => undefined);
  device.close(() => undefined);
}
