/**
 * Why a serial port did not open: what serialport says, made into a PortError that names the remedy.
 * Source: messages of @serialport/bindings-cpp 13 (src/serialport_unix.cpp: strerror text; src/serialport_win.cpp: ErrorCodeToString).
 */
import { readdir, readFile, readlink, realpath, stat } from "node:fs/promises";
import { describeError, PortError } from "../core/errors.js";
import { type PortInfo, summarizePorts } from "./list-ports.js";

/** What the explanation looks up on this computer; replaced in tests. */
export interface PortSurroundings {
  readonly platform: NodeJS.Platform;
  listPorts(): Promise<readonly PortInfo[]>;
  /** Programs that hold the port open, "node (pid 123)"; empty where that cannot be found out. */
  findHolders(path: string): Promise<readonly string[]>;
  /** Group that may use the device; null where that cannot be found out. */
  findGroup(path: string): Promise<string | null>;
}

/** @returns a PortError with code port/missing, port/permission, port/busy or port/failed. */
export async function explainOpenFailure(
  path: string,
  error: unknown,
  around: PortSurroundings,
): Promise<PortError> {
  const text = describeError(error);
  if (/no such file|no such device|file not found|ENOENT|ENXIO|ENODEV/i.test(text)) {
    return missingPort(path, await around.listPorts().catch(() => []), error);
  }
  // Windows gives a port to one program only, and refuses the next with "Access denied".
  const windows = around.platform === "win32";
  if (
    /resource busy|EBUSY|cannot lock port|temporarily unavailable/i.test(text) ||
    (windows && /access denied/i.test(text))
  ) {
    return busyPort(path, await around.findHolders(path).catch(() => []), error);
  }
  if (/permission denied|access denied|EACCES|EPERM|not permitted/i.test(text)) {
    return new PortError("port/permission", `no permission to open ${path}`, {
      hint: await permissionHint(path, around),
      cause: error,
    });
  }
  return new PortError("port/failed", `${path} did not open: ${text}`, {
    hint: "check that it is a serial port: meter-rig ports lists them",
    cause: error,
  });
}

/** @param what path or serial number that was looked for */
export function missingPort(what: string, present: readonly PortInfo[], cause?: unknown): PortError {
  return new PortError("port/missing", `there is no port ${what}`, { hint: summarizePorts(present), cause });
}

/** @param holders programs that have it open, as far as is known */
export function busyPort(path: string, holders: readonly string[], cause?: unknown): PortError {
  const by = holders.length === 0 ? "another program" : holders.join(", ");
  return new PortError("port/busy", `${path} is in use by ${by}`, {
    hint: "close it there (Arduino IDE, serial monitor, another meter-rig) and it is taken at the next attempt",
    cause,
  });
}

async function permissionHint(path: string, around: PortSurroundings): Promise<string> {
  if (around.platform === "linux") {
    const group = (await around.findGroup(path).catch(() => null)) ?? "dialout";
    return `run "sudo usermod -aG ${group} $USER", then log out and in again`;
  }
  if (around.platform === "darwin") {
    return `allow it with "sudo chmod a+rw ${path}", or use the cu. device of the same port`;
  }
  return "start it as a user who may open the port, or check the driver in the Device Manager";
}

/** This computer. Process and group names are found on Linux only. */
export function systemSurroundings(listPorts: () => Promise<readonly PortInfo[]>): PortSurroundings {
  return {
    platform: process.platform,
    listPorts,
    findHolders: async (path) => (process.platform === "linux" ? await findHoldersInProc(path) : []),
    findGroup: async (path) => (process.platform === "linux" ? await findGroupInEtc(path) : null),
  };
}

/** Looks for the device among the open files of every process that may be looked at. */
async function findHoldersInProc(path: string): Promise<string[]> {
  const device = await realpath(path);
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const holders: string[] = [];
  for (const pid of pids) {
    // Another user's process, or one that has just ended, cannot be looked at.
    const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
    const targets = await Promise.all(
      files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => "")),
    );
    if (!targets.includes(device)) continue;
    const name = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "a program");
    holders.push(Number(pid) === process.pid ? "this program itself" : `${name.trim()} (process ${pid})`);
  }
  return holders;
}

async function findGroupInEtc(path: string): Promise<string | null> {
  const { gid } = await stat(path);
  const groups = (await readFile("/etc/group", "utf8")).split("\n").map((line) => line.split(":"));
  const name = groups.find((fields) => Number(fields[2]) === gid && fields[2] !== "")?.[0] ?? null;
  // Membership of root's group is no remedy: such a device needs a udev rule, as dialout devices have.
  return name === "root" ? null : name;
}
