/**
 * A fake UNO behind a real serial device: a pseudo-terminal of the operating system, held by a Python process.
 * A pseudo-terminal has no DTR line, so what opens it tells the board to reset. Linux only.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { SerialBoardPort } from "../../rig/board/serial-port.js";
import { systemClock } from "../../rig/core/clock.js";
import type { PortBench } from "../contracts/port.contract.js";
import { FakeFirmata } from "./fake-firmata.js";

/** Prints the device's path on stderr, then relays stdin to it and what it gets to stdout. */
const RELAY = `
import os, pty, select, sys, tty
master, slave = pty.openpty()
tty.setraw(slave)
print(os.ttyname(slave), file=sys.stderr, flush=True)
while True:
    for ready in select.select([0, master], [], [])[0]:
        data = os.read(ready, 4096)
        if not data:
            sys.exit()
        os.write(1 if ready == master else master, data)
`;

/** Whether this computer can make such a board. */
export function ptyAvailable(): boolean {
  return process.platform === "linux" && spawnSync("python3", ["-c", "import pty"]).status === 0;
}

export async function makePtyBoard(bootMs: number): Promise<PortBench & { readonly path: string }> {
  const relay: ChildProcess = spawn("python3", ["-c", RELAY], { stdio: ["pipe", "pipe", "pipe"] });
  const { stdin, stdout, stderr } = relay;
  if (stdin === null || stdout === null || stderr === null) throw new Error("the relay has no pipes");
  const [path] = (await once(createInterface(stderr), "line")) as [string];
  const firmware = new FakeFirmata(systemClock, { bootMs });
  const wire = await firmware.open();
  wire.on("data", (bytes) => stdin.write(bytes));
  stdout.on("data", (bytes) => wire.write(bytes));
  stdin.on("error", () => undefined);
  const serial = new SerialBoardPort({ port: path });
  const exited = once(relay, "exit");
  return {
    path,
    port: {
      name: path,
      async open(signal) {
        const stream = await serial.open(signal);
        firmware.reset();
        return stream;
      },
    },
    advance: (ms) => sleep(ms),
    unplug: () => relay.kill("SIGKILL"),
    async dispose() {
      firmware.dispose();
      relay.kill("SIGKILL");
      await exited;
    },
  };
}
