import { describe, expect, it } from "vitest";
import { formatPorts, listPorts, summarizePorts } from "../../rig/board/list-ports.js";

const UNO = {
  path: "/dev/ttyACM0",
  serialNumber: "75830303934351F0A1B1",
  manufacturer: "Arduino (www.arduino.cc)",
  vendorId: "2341",
  productId: "0043",
};
const CLONE = { path: "/dev/ttyUSB10", vendorId: "1A86", productId: "7523" };

describe("listPorts", () => {
  it("names an UNO R3 by 2341:0043 and a clone by 1A86:7523, and leaves out the PC's own ports", async () => {
    const ports = await listPorts(async () => [CLONE, { path: "/dev/ttyS0" }, UNO]);
    expect(ports).toEqual([
      {
        path: "/dev/ttyACM0",
        serialNumber: UNO.serialNumber,
        manufacturer: UNO.manufacturer,
        board: "Arduino UNO R3",
      },
      {
        path: "/dev/ttyUSB10",
        serialNumber: null,
        manufacturer: null,
        board: expect.stringContaining("CH340"),
      },
    ]);
  });

  it.runIf(process.platform === "linux")("reads /dev where udevadm is missing", async () => {
    const ports = await listPorts(
      async () => {
        throw Object.assign(new Error("spawn udevadm ENOENT"), { code: "ENOENT" });
      },
      async () => ["tty0", "ttyS0", "ttyUSB10", "ttyUSB2", "ttyACM0"],
    );
    expect(ports.map((port) => port.path)).toEqual(["/dev/ttyACM0", "/dev/ttyUSB2", "/dev/ttyUSB10"]);
  });

  it("works on this computer, whatever is plugged in", async () => {
    expect(Array.isArray(await listPorts())).toBe(true);
  });
});

describe("formatPorts", () => {
  it("lines up a head and one row a port", async () => {
    const text = formatPorts(await listPorts(async () => [UNO, CLONE]));
    expect(text.split("\n")).toEqual([
      "PORT           SERIAL NUMBER         BOARD                                            MANUFACTURER",
      "/dev/ttyACM0   75830303934351F0A1B1  Arduino UNO R3                                   Arduino (www.arduino.cc)",
      "/dev/ttyUSB10  -                     UNO or Nano clone (CH340), or a USB-TTL adapter  -",
    ]);
  });

  it("says so when nothing is plugged in", () => {
    expect(formatPorts([])).toBe("no USB serial port is plugged in");
    expect(summarizePorts([])).toBe("no USB serial port is plugged in");
  });
});
