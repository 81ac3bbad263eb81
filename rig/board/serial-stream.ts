/**
 * An open SerialPort as the Duplex that Port promises: `close` exactly once, a hang-up told by PortError "port/lost" before it.
 * serialport's own stream gives neither: destroy() leaves the device open, and a hang-up is a `close` with an argument.
 * Source: @serialport/stream 13 dist/index.js.
 */
import { Duplex } from "node:stream";
import { PortError } from "../core/errors.js";

/** What is used of a SerialPort of serialport 13, opened or opening. */
export interface SerialDevice {
  readonly isOpen: boolean;
  write(bytes: Buffer, done: (error?: Error | null) => void): boolean;
  close(done: (error: Error | null) => void): void;
  pause(): unknown;
  resume(): unknown;
  on(event: "data", listener: (bytes: Buffer) => void): unknown;
  on(event: "close", listener: (error?: Error | null) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
}

export class SerialStream extends Duplex {
  readonly #device: SerialDevice;
  readonly #path: string;

  constructor(device: SerialDevice, path: string) {
    super({ emitClose: true, allowHalfOpen: false });
    this.#device = device;
    this.#path = path;
    device.on("data", (bytes) => {
      if (!this.destroyed && !this.push(bytes)) device.pause();
    });
    device.on("close", (error) => this.#lose(error ?? undefined));
    device.on("error", (error) => this.#lose(error));
  }

  override _read(): void {
    this.#device.resume();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    // A failed write means that the device is gone; serialport closes it and says so by itself.
    this.#device.write(bytes, (error) => done(error ? this.#lost(error) : null));
  }

  override _writev(
    writes: { chunk: Buffer; encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    this._write(Buffer.concat(writes.map((write) => write.chunk)), "binary", done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#device.isOpen) {
      done(error);
      return;
    }
    this.#device.close(() => done(error));
  }

  #lose(cause: Error | undefined): void {
    if (!this.destroyed) this.destroy(this.#lost(cause));
  }

  #lost(cause: Error | undefined): PortError {
    return new PortError("port/lost", `${this.#path} was lost`, {
      hint: "check the USB cable; it is opened again when it is back",
      cause,
    });
  }
}
