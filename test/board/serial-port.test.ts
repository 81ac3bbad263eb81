import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import type { PortInfo } from "../../rig/board/list-ports.js";
import type { PortSurroundings } from "../../rig/board/port-failure.js";
import { SerialBoardPort, type SerialBoardPortOptions } from "../../rig/board/serial-port.js";
import type { SerialDevice } from "../../rig/board/serial-stream.js";
import { PortError } from "../../rig/core/errors.js";
import { ManualClock } from "../support/manual-clock.js";
import { makePtyBoard, ptyAvailable } from "../support/pty-board.js";

const UNO: PortInfo = {
  path: "/dev/ttyACM3",
  serialNumber: "7583",
  manufacturer: null,
  board: "Arduino UNO R3",
};

class FakeDevice extends EventEmitter implements SerialDevice {
  isOpen = true;
  closed = 0;
  readonly written: Buffer[] = [];
  writeError: Error | null = null;

  write(bytes: Buffer, done: (error?: Error | null) => void): boolean {
    this.written.push(bytes);
    done(this.writeError);
    return true;
  }

  close(done: (error: Error | null) => void): void {
    this.isOpen = false;
    this.closed += 1;
    setImmediate(() => {
      this.emit("close", null);
      done(null);
    });
  }

  /** As serialport 13 tells a pulled cable: closed, with an error that says disconnected. */
  hangUp(): void {
    this.isOpen = false;
    this.emit("close", Object.assign(new Error("Error: Input/output error"), { disconnected: true }));
  }

  pause(): void {
    // Nothing to hold back.
  }

  resume(): void {
    // Bytes are emitted by the test.
  }
}

const around = (over: Partial<PortSurroundings> = {}): PortSurroundings => ({
  platform: "linux",
  listPorts: async () => [UNO],
  findHolders: async () => [],
  findGroup: async () => null,
  ...over,
});

function failing(message: string, over: Partial<PortSurroundings> = {}): SerialBoardPort {
  return new SerialBoardPort({
    port: "/dev/ttyACM0",
    surroundings: around(over),
    listPorts: async () => [UNO],
    openDevice: (_path, _baud, opened) => {
      setImmediate(() => opened(new Error(message)));
      return new FakeDevice();
    },
  });
}

function working(over: Partial<SerialBoardPortOptions> = {}) {
  const devices: FakeDevice[] = [];
  const opened: [string, number][] = [];
  const port = new SerialBoardPort({
    port: "/dev/ttyACM0",
    listPorts: async () => [UNO],
    surroundings: around(),
    openDevice: (path, baud, done) => {
      const device = new FakeDevice();
      devices.push(device);
      opened.push([path, baud]);
      setImmediate(() => done(null));
      return device;
    },
    ...over,
  });
  return { port, devices, opened };
}

const rejection = (promise: Promise<unknown>): Promise<PortError> =>
  promise.then(
    () => expect.fail("it opened"),
    (error: PortError) => error,
  );

describe("SerialBoardPort.open, refused", () => {
  // The texts are those of @serialport/bindings-cpp 13 (src/serialport_unix.cpp, src/serialport_win.cpp).
  it("says port/missing and what is plugged in instead", async () => {
    const error = await rejection(
      failing("Error: No such file or directory, cannot open /dev/ttyACM0").open(),
    );
    expect(error).toBeInstanceOf(PortError);
    expect(error.code).toBe("port/missing");
    expect(error.hint).toBe("plugged in: /dev/ttyACM3 (Arduino UNO R3, serial number 7583)");
  });

  it("says port/missing for Windows' File not found", async () => {
    const error = await rejection(failing("Opening COM7: File not found", { platform: "win32" }).open());
    expect(error.code).toBe("port/missing");
  });

  it("says port/permission with the command that grants it, by the group that owns the device", async () => {
    const text = "Error: Permission denied, cannot open /dev/ttyACM0";
    const error = await rejection(failing(text, { findGroup: async () => "uucp" }).open());
    expect(error.code).toBe("port/permission");
    expect(error.hint).toContain("sudo usermod -aG uucp $USER");
    expect((await rejection(failing(text).open())).hint).toContain("sudo usermod -aG dialout $USER");
  });

  it.each(["darwin", "win32"] as const)("gives a hint of its own for permission on %s", async (platform) => {
    const error = await rejection(
      failing("Error: Operation not permitted, cannot open x", { platform }).open(),
    );
    expect(error.code).toBe("port/permission");
    expect(error.hint).not.toMatch(/usermod|board|Arduino/);
  });

  it.each([
    ["linux", "Error Resource temporarily unavailable Cannot lock port"],
    ["linux", "Error: Device or resource busy, cannot open /dev/ttyACM0"],
    ["darwin", "Error: Resource busy, cannot open /dev/tty.usbmodem1"],
    ["win32", "Opening COM3: Access denied"],
  ] as const)("says port/busy on %s for '%s'", async (platform, text) => {
    const error = await rejection(
      failing(text, { platform, findHolders: async () => ["arduino-ide (process 4711)"] }).open(),
    );
    expect(error.code).toBe("port/busy");
    expect(error.message).toBe("/dev/ttyACM0 is in use by arduino-ide (process 4711)");
  });

  it("says port/busy also where the program cannot be found out", async () => {
    const error = await rejection(
      failing("Error: Device or resource busy, cannot open x", {
        findHolders: async () => {
          throw new Error("EACCES");
        },
      }).open(),
    );
    expect(error.message).toContain("another program");
  });

  it("says port/failed with the cause for anything else", async () => {
    const error = await rejection(failing("Error: Invalid argument setting baud rate").open());
    expect(error.code).toBe("port/failed");
    expect(error.message).toContain("Invalid argument");
    expect(error.hint).toBe("check that it is a serial port: meter-rig ports lists them");
  });

  it("says port/timeout after 5 s and closes the port if it opens later", async () => {
    const clock = new ManualClock();
    let opened: (error: null) => void = () => undefined;
    const device = new FakeDevice();
    const { port } = working({
      clock,
      openDevice: (_path, _baud, done) => {
        opened = done;
        return device;
      },
    });
    const failure = rejection(port.open());
    await clock.advance(5000);
    expect(await failure).toMatchObject({
      code: "port/timeout",
      hint: "unplug the device and plug it in again, and check its driver",
    });
    opened(null);
    expect(device.closed).toBe(1);
    expect(clock.armedTimers).toBe(0);
  });

  it("rejects with the signal's reason, before and while it opens, and leaves no timer", async () => {
    const clock = new ManualClock();
    const { port, devices } = working({ clock });
    const reason = new Error("stopped by the test");
    expect(await rejection(port.open(AbortSignal.abort(reason)))).toBe(reason);
    const abort = new AbortController();
    const failure = rejection(port.open(abort.signal));
    await Promise.resolve();
    abort.abort(reason);
    expect(await failure).toBe(reason);
    expect(clock.armedTimers).toBe(0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(devices.filter((device) => device.isOpen)).toEqual([]);
  });

  it.runIf(process.platform === "linux")(
    "says port/missing for a path that does not exist, by the real driver",
    async () => {
      const error = await rejection(new SerialBoardPort({ port: "/dev/ttyACM99" }).open());
      expect(error.code).toBe("port/missing");
      expect(error.message).toContain("/dev/ttyACM99");
    },
  );
});

describe.runIf(ptyAvailable())("SerialBoardPort on a pseudo-terminal", () => {
  it("says port/busy and by whom: this program itself, through another port object", async () => {
    const board = await makePtyBoard(0);
    const first = await new SerialBoardPort({ port: board.path }).open();
    const error = await rejection(new SerialBoardPort({ port: board.path }).open());
    expect(error.code).toBe("port/busy");
    expect(error.message).toContain("this program itself");
    expect(error.message).toContain("python");
    first.destroy();
    await board.dispose();
  });
});

describe("SerialBoardPort.open by serial number", () => {
  it("opens the path that the number has now, at 57600 baud", async () => {
    const { port, opened } = working({ port: { serialNumber: "7583" } });
    expect(port.name).toBe("with serial number 7583");
    const stream = await port.open();
    expect(opened).toEqual([["/dev/ttyACM3", 57_600]]);
    expect(port.name).toBe("/dev/ttyACM3");
    stream.destroy();
  });

  it("says port/missing and what is plugged in for another number", async () => {
    const { port } = working({ port: { serialNumber: "9999" } });
    const error = await rejection(port.open());
    expect(error.code).toBe("port/missing");
    expect(error.message).toContain("9999");
    expect(error.hint).toContain("serial number 7583");
  });
});

describe("SerialBoardPort.check", () => {
  it("leaves a port that opens closed and free", async () => {
    const { port, devices } = working();
    await port.check();
    expect(devices.map(({ isOpen }) => isOpen)).toEqual([false]);
    (await port.open()).destroy();
  });

  it("rejects as open does", async () => {
    const error = await rejection(failing("Error: Permission denied, cannot open /dev/ttyACM0").check());
    expect(error.code).toBe("port/permission");
  });
});

describe("the stream of a SerialBoardPort", () => {
  it("carries bytes both ways", async () => {
    const { port, devices } = working({ baud: 115_200 });
    const stream = await port.open();
    const received: number[] = [];
    stream.on("data", (bytes: Buffer) => received.push(...bytes));
    devices[0]?.emit("data", Buffer.from([1, 2, 3]));
    stream.write(Buffer.from([4, 5]));
    await new Promise((resolve) => setImmediate(resolve));
    expect(received).toEqual([1, 2, 3]);
    expect(devices[0]?.written).toEqual([Buffer.from([4, 5])]);
    stream.destroy();
  });

  it("says port/lost before close when the cable is pulled, and opens anew afterwards", async () => {
    const { port, devices } = working();
    const stream = await port.open();
    const seen: string[] = [];
    stream.on("error", (error: PortError) => seen.push(error.code));
    const closed = new Promise<void>((resolve) =>
      stream.on("close", () => {
        seen.push("close");
        resolve();
      }),
    );
    devices[0]?.hangUp();
    await closed;
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual(["port/lost", "close"]);
    const again = await port.open();
    expect(again).not.toBe(stream);
    expect(devices).toHaveLength(2);
    again.destroy();
  });

  it("says port/lost when a write fails", async () => {
    const { port, devices } = working();
    const stream = await port.open();
    const [device] = devices;
    if (device !== undefined) device.writeError = new Error("Error: Input/output error");
    const failed = new Promise<PortError>((resolve) => stream.on("error", resolve));
    stream.write(Buffer.from([1]));
    expect((await failed).code).toBe("port/lost");
  });

  it("closes the device when destroyed, and refuses a second opening until then", async () => {
    const { port, devices } = working();
    const stream = await port.open();
    expect((await rejection(port.open())).code).toBe("port/busy");
    const closed = new Promise((resolve) => stream.on("close", resolve));
    stream.destroy();
    await closed;
    expect(devices[0]?.closed).toBe(1);
    (await port.open()).destroy();
  });
});
