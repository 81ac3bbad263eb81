/** The Port contract on a fake, on a pseudo-terminal through serialport, on a virtual board, and on a real UNO if there is one. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, it } from "vitest";
import { SerialBoardPort } from "../../rig/board/serial-port.js";
import { configSchema } from "../../rig/core/config.js";
import { FakeFirmata } from "../support/fake-firmata.js";
import { ManualClock } from "../support/manual-clock.js";
import { makePtyBoard, ptyAvailable } from "../support/pty-board.js";
import { SteppedBench } from "../support/stepped-bench.js";
import { describePortContract } from "./port.contract.js";

describePortContract("fake board", async () => {
  const clock = new ManualClock();
  const firmware = new FakeFirmata(clock);
  return {
    port: firmware,
    advance: (ms) => clock.advance(ms),
    unplug: () => firmware.unplug(),
    plug: () => firmware.plug(),
    dispose: async () => firmware.dispose(),
  };
});

describePortContract("virtual board", async () => {
  const config = configSchema.parse({ site: "contract", meters: [{ id: "main" }] });
  const clock = new ManualClock();
  const bench = new SteppedBench(config, clock);
  return {
    port: bench.port("main"),
    advance: (ms) => bench.advance(ms),
    unplug: () => bench.command({ verb: "unplug", meter: "main" }),
    plug: () => bench.command({ verb: "plug", meter: "main" }),
    dispose: () => bench.close(),
  };
});

if (ptyAvailable()) {
  describePortContract("serial port over a pseudo-terminal", () => makePtyBoard(200));
} else {
  describe("Port contract: serial port over a pseudo-terminal", () => {
    it.skip("needs Linux and python3", () => undefined);
  });
}

const realPort = process.env.RIG_PORT;
if (realPort !== undefined) {
  describePortContract(`real board on ${realPort}`, async () => ({
    port: new SerialBoardPort({ port: realPort }),
    advance: (ms) => sleep(ms),
    dispose: async () => undefined,
  }));
} else {
  describe("Port contract: real board", () => {
    it.skip("set RIG_PORT=/dev/ttyACM0 (or COM3) to run it on a real UNO with StandardFirmata", () =>
      undefined);
  });
}
