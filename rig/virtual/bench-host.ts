/**
 * The virtual bench as the rest of the rig sees it: ports to open, commands to give, events to hear; it keeps real time.
 * The bench itself runs in worker.ts, in a thread of its own, so that a busy host never stretches a board's time.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { Clock } from "../core/clock.js";
import type { Config } from "../core/config.js";
import { describeError, RigError } from "../core/errors.js";
import type { EmitEvent } from "../core/events.js";
import type { Port } from "../core/port.js";
import type { BenchSnapshot } from "./bench.js";
import { type BenchCommand, checkBenchCommand, virtualMeters } from "./bench-command.js";
import type { BenchWorkerData, FromBench, Pace, ToBench } from "./bench-messages.js";
import { BenchPorts } from "./bench-ports.js";
import { loadFirmware } from "./boards/firmware.js";

const START_LIMIT_MS = 20_000;

export interface BenchHostOptions {
  readonly config: Config;
  readonly clock: Clock;
  /** Hears `lcd` (what a display really shows), `bench` (behind real time) and `alert` (the bench crashed). */
  readonly emit: EmitEvent;
  /** Told when the pin that `modem.powerKey` names presses the modem's power key and lets it go. */
  readonly onPowerKey?: (pressed: boolean) => void;
}

interface Waiting {
  readonly resolve: (snapshot: BenchSnapshot & Pace) => void;
  readonly reject: (error: Error) => void;
}

export class BenchHost {
  readonly #config: Config;
  readonly #emit: EmitEvent;
  readonly #onPowerKey: (pressed: boolean) => void;
  readonly #worker: Worker;
  readonly #ports: BenchPorts;
  readonly #snapshots = new Map<number, Waiting>();
  #nextSnapshot = 1;
  #state: "running" | "crashed" | "stopped" = "running";
  #onStarted: () => void = () => undefined;
  #onCrashed: (error: Error) => void = () => undefined;

  /**
   * Builds the bench of the configuration and lets its time run.
   * @throws ConfigError when the firmware cannot be read, RigError "bench/not-compiled" or "bench/crashed"; nothing is left running
   */
  static async start(options: BenchHostOptions): Promise<BenchHost> {
    const program = loadFirmware(options.config.virtual.firmware);
    const file = new URL("./worker.js", import.meta.url);
    if (!existsSync(file)) {
      throw new RigError(
        "bench/not-compiled",
        `the virtual bench's thread is not compiled: no ${fileURLToPath(file)}`,
        {
          hint: "compile with npx tsc -p . (npm start and npm test do) and run from .build",
        },
      );
    }
    const data: BenchWorkerData = { config: options.config, program };
    const host = new BenchHost(
      options,
      new Worker(file, { workerData: data, name: "virtual-bench", execArgv: [] }),
    );
    await host.#started(options.clock);
    return host;
  }

  private constructor(options: BenchHostOptions, worker: Worker) {
    this.#config = options.config;
    this.#emit = options.emit;
    this.#onPowerKey = options.onPowerKey ?? (() => undefined);
    this.#worker = worker;
    this.#ports = new BenchPorts(
      virtualMeters(options.config).map(({ id }) => id),
      {
        open: (meter, session) => this.#post({ type: "open", meter, session }),
        write: (meter, session, bytes) => this.#post({ type: "write", meter, session, bytes }),
        close: (meter, session) => this.#post({ type: "close", meter, session }),
      },
    );
    worker.on("message", (message: FromBench) => this.#receive(message));
    worker.on("error", (error) => this.#crash(describeError(error)));
    worker.on("exit", (code) => this.#crash(`its thread ended with code ${code}`));
  }

  /** The port of a virtual meter's board, "virtual:main". @throws RangeError when no virtual meter has this id */
  port(meter: string): Port {
    return this.#ports.port(meter);
  }

  /**
   * Does what a person at the bench does. Commands and bytes written before it keep their order.
   * @throws RangeError that names the value and what is allowed, when this bench cannot; RigError "bench/crashed" or "bench/stopped"
   */
  command(command: BenchCommand): void {
    checkBenchCommand(this.#config, command);
    this.#requireRunning();
    // The stream is lost first: what it still sends while it closes must find the old state.
    if (command.verb === "unplug") this.#ports.unplug(command.meter);
    this.#post({ type: "command", command });
    if (command.verb === "plug") this.#ports.plug(command.meter);
  }

  /** What the bench looks like now, and how it keeps up. Rejects with RigError "bench/crashed" or "bench/stopped". */
  async snapshot(): Promise<BenchSnapshot & Pace> {
    this.#requireRunning();
    const id = this.#nextSnapshot++;
    return new Promise((resolve, reject) => {
      this.#snapshots.set(id, { resolve, reject });
      this.#post({ type: "snapshot", id });
    });
  }

  /** Closes every stream and ends the thread; resolves when nothing is left. Safe to call again. */
  async stop(): Promise<void> {
    if (this.#state === "running") this.#state = "stopped";
    this.#rejectSnapshots(stoppedError());
    await this.#ports.closeAll();
    await this.#worker.terminate();
  }

  async #started(clock: Clock): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => {
        const cancel = clock.after(START_LIMIT_MS, () =>
          reject(
            new RigError("bench/crashed", `the virtual bench did not start within ${START_LIMIT_MS} ms`),
          ),
        );
        this.#onStarted = () => {
          cancel();
          resolve();
        };
        this.#onCrashed = (error) => {
          cancel();
          reject(error);
        };
      });
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  #receive(message: FromBench): void {
    if (this.#state !== "running") return;
    switch (message.type) {
      case "started":
        this.#onStarted();
        break;
      case "slice":
        for (const { meter, session, bytes, takenBytes } of message.lines) {
          this.#ports.deliver(meter, session, bytes, takenBytes);
        }
        break;
      case "lcd":
        for (const event of message.events) this.#emit(event);
        break;
      case "pace":
        this.#emit({ event: "bench", behindMs: message.behindMs, skippedMs: message.skippedMs });
        break;
      case "power-key":
        this.#onPowerKey(message.pressed);
        break;
      case "snapshot":
        this.#snapshots.get(message.id)?.resolve(message.snapshot);
        this.#snapshots.delete(message.id);
        break;
    }
  }

  #crash(cause: string): void {
    if (this.#state !== "running") return;
    this.#state = "crashed";
    const text = `the virtual bench crashed: ${cause}`;
    this.#emit({ event: "alert", kind: "bench", meter: null, text });
    this.#ports.fail(text);
    const error = new RigError("bench/crashed", text);
    this.#rejectSnapshots(error);
    this.#onCrashed(error);
  }

  #rejectSnapshots(error: Error): void {
    for (const waiting of this.#snapshots.values()) waiting.reject(error);
    this.#snapshots.clear();
  }

  #requireRunning(): void {
    if (this.#state === "crashed") throw new RigError("bench/crashed", "the virtual bench has crashed");
    if (this.#state === "stopped") throw stoppedError();
  }

  #post(message: ToBench): void {
    this.#worker.postMessage(message);
  }
}

function stoppedError(): RigError {
  return new RigError("bench/stopped", "the virtual bench is stopped");
}
