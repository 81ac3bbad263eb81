/**
 * What is plugged in: the serial ports a board may be on, told apart by USB vendor and product id.
 * Source: SerialPort.list() of serialport 13; ids from hardware/arduino/avr/boards.txt (Arduino AVR core 1.8.7) and the
 * vendors' data sheets of the USB-serial chips.
 */
import { readdir } from "node:fs/promises";
import { SerialPort } from "serialport";

export interface PortInfo {
  /** "/dev/ttyACM0", "COM3": what goes into board.port. */
  readonly path: string;
  readonly serialNumber: string | null;
  readonly manufacturer: string | null;
  /** What the USB ids stand for, "Arduino UNO R3"; null if they are unknown. */
  readonly board: string | null;
}

/** What SerialPort.list() says of one port, as far as it is used here. */
export interface ListedPort {
  readonly path: string;
  readonly serialNumber?: string | undefined;
  readonly manufacturer?: string | undefined;
  readonly vendorId?: string | undefined;
  readonly productId?: string | undefined;
}

/** USB vendor:product -> what it is, most likely. */
const BOARDS: Readonly<Record<string, string>> = {
  "2341:0001": "Arduino UNO",
  "2341:0043": "Arduino UNO R3",
  "2341:0243": "Arduino UNO R3",
  "2a03:0043": "Arduino UNO R3 (arduino.org)",
  "2341:0010": "Arduino MEGA 2560",
  "2341:0042": "Arduino MEGA 2560 R3",
  "2341:0036": "Arduino Leonardo (bootloader)",
  "2341:8036": "Arduino Leonardo",
  "1a86:7523": "UNO or Nano clone (CH340), or a USB-TTL adapter",
  "1a86:5523": "UNO or Nano clone (CH341), or a USB-TTL adapter",
  "0403:6001": "Nano or Duemilanove (FTDI FT232), or a USB-TTL adapter",
  "10c4:ea60": "USB-TTL adapter (CP210x), or a clone",
  "067b:2303": "USB-TTL adapter (PL2303)",
};

/** Names that USB serial devices have on Linux, macOS and Windows; keeps out the PC's own ttyS ports. */
const USB_PATH = /tty(ACM|USB)\d|usbmodem|usbserial|wchusb|^COM\d/i;

/** @param list asks the system; replaced in tests. */
export async function listPorts(
  list: () => Promise<readonly ListedPort[]> = () => SerialPort.list(),
  readDevices: () => Promise<readonly string[]> = () => readdir("/dev"),
): Promise<PortInfo[]> {
  let listed: readonly ListedPort[];
  try {
    listed = await list();
  } catch (error) {
    // On Linux it asks udevadm, which containers and small systems lack.
    if (process.platform !== "linux") throw error;
    const names = await readDevices().catch(() => []);
    listed = names.map((name) => ({ path: `/dev/${name}` }));
  }
  return listed
    .filter((port) => port.vendorId !== undefined || USB_PATH.test(port.path))
    .map((port) => ({
      path: port.path,
      serialNumber: port.serialNumber ?? null,
      manufacturer: port.manufacturer ?? null,
      board: BOARDS[`${port.vendorId}:${port.productId}`.toLowerCase()] ?? null,
    }))
    .sort((a, b) => a.path.localeCompare(b.path, "en", { numeric: true }));
}

/** The ports as a table for people, one line a port; says so if there are none. */
export function formatPorts(ports: readonly PortInfo[]): string {
  if (ports.length === 0) return "no USB serial port is plugged in";
  const rows = [
    ["PORT", "SERIAL NUMBER", "BOARD", "MANUFACTURER"],
    ...ports.map((port) => [
      port.path,
      port.serialNumber ?? "-",
      port.board ?? "unknown",
      port.manufacturer ?? "-",
    ]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** The ports in one line, for a hint. */
export function summarizePorts(ports: readonly PortInfo[]): string {
  if (ports.length === 0) return "no USB serial port is plugged in";
  const names = ports.map((port) => {
    const details = [port.board, port.serialNumber === null ? null : `serial number ${port.serialNumber}`];
    const known = details.filter((detail) => detail !== null).join(", ");
    return known === "" ? port.path : `${port.path} (${known})`;
  });
  return `plugged in: ${names.join("; ")}`;
}
