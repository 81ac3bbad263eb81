/**
 * The virtual boards' USB ports as the host sees them: one Port per meter, streams that open, close and are lost.
 * Between the host's stages and whatever carries bytes to the boards (a thread in bench-host.ts, a call in tests).
 * Every opening has a number, its session, so that bytes of an earlier opening are never taken for this one's.
 */
import type { Duplex } from "node:stream";
import { PortError } from "../core/errors.js";
import type { Port } from "../core/port.js";
import { BoardStream } from "./board-stream.js";

/** The way to the boards. `open` resets the board. */
export interface SerialLines {
  open(meter: string, session: number): void;
  write(meter: string, session: number, bytes: Uint8Array): void;
  close(meter: string, session: number): void;
}

interface UsbPort {
  plugged: boolean;
  current: { readonly session: number; readonly stream: BoardStream } | null;
}

export class BenchPorts {
  readonly #lines: SerialLines;
  readonly #ports: ReadonlyMap<string, UsbPort>;
  #sessions = 0;
  #failure: string | null = null;

  constructor(meters: readonly string[], lines: SerialLines) {
    this.#lines = lines;
    this.#ports = new Map(meters.map((meter) => [meter, { plugged: true, current: null }]));
  }

  /** @throws RangeError when no virtual meter has this id */
  port(meter: string): Port {
    const port = this.#find(meter);
    const name = `virtual:${meter}`;
    return { name, open: async (signal) => this.#open(meter, name, port, signal) };
  }

  /** The board sent `bytes` and has taken `takenBytes` of the host's since it was opened. */
  deliver(meter: string, session: number, bytes: Uint8Array, takenBytes: number): void {
    const { current } = this.#find(meter);
    if (current?.session !== session) return;
    current.stream.deliver(bytes);
    current.stream.taken(takenBytes);
  }

  /** The USB cable is out: the open stream is lost, and none can be opened. */
  unplug(meter: string): void {
    const port = this.#find(meter);
    port.plugged = false;
    this.#lose(port, `virtual:${meter} was unplugged`);
  }

  plug(meter: string): void {
    this.#find(meter).plugged = true;
  }

  /** The bench is gone for good: every open stream is lost and every later `open` rejects, saying `reason`. */
  fail(reason: string): void {
    this.#failure = reason;
    for (const [meter, port] of this.#ports) this.#lose(port, `virtual:${meter} was lost: ${reason}`);
  }

  /** Closes every stream; resolves when all have said `close`. */
  async closeAll(): Promise<void> {
    this.#failure ??= "the virtual bench is stopped";
    const streams = [...this.#ports.values()].flatMap(({ current }) =>
      current === null ? [] : [current.stream],
    );
    await Promise.all(
      streams.map((stream) => {
        const closed = new Promise<void>((resolve) => stream.once("close", resolve));
        stream.destroy();
        return closed;
      }),
    );
  }

  #open(meter: string, name: string, port: UsbPort, signal: AbortSignal | undefined): Duplex {
    signal?.throwIfAborted();
    if (this.#failure !== null) throw new PortError("port/missing", `cannot open ${name}: ${this.#failure}`);
    if (!port.plugged) {
      throw new PortError("port/missing", `cannot open ${name}: the virtual board is unplugged`, {
        hint: `plug it in: plug ${meter}`,
      });
    }
    if (port.current !== null) {
      throw new PortError("port/busy", `cannot open ${name}: this process has it open already`);
    }
    const session = ++this.#sessions;
    const stream = new BoardStream({
      write: (bytes) => this.#lines.write(meter, session, bytes),
      closed: () => this.#lines.close(meter, session),
    });
    port.current = { session, stream };
    stream.once("close", () => {
      port.current = null;
    });
    this.#lines.open(meter, session);
    return stream;
  }

  #lose(port: UsbPort, message: string): void {
    port.current?.stream.destroy(new PortError("port/lost", message));
  }

  #find(meter: string): UsbPort {
    const port = this.#ports.get(meter);
    if (port === undefined) {
      throw new RangeError(
        `there is no virtual meter "${meter}"; there are: ${[...this.#ports.keys()].join(", ")}`,
      );
    }
    return port;
  }
}
