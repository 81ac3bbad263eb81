import { describe, expect, it } from "vitest";
import { parseCommandLine, UsageError } from "../../rig/apps/command-line.js";

describe("the command line", () => {
  it("without words runs the virtual bench in a dashboard", () => {
    expect(parseCommandLine([], true)).toMatchObject({
      command: "run",
      plain: false,
      stopAfterMs: null,
      dataDirectory: ".meter-rig",
    });
  });

  it("is plain when stdout is no terminal", () => {
    expect(parseCommandLine([], false)).toMatchObject({ plain: true });
  });

  it("takes --plain --for 40s --config and --data", () => {
    expect(parseCommandLine(["--plain", "--for", "40s", "--config", "c.yaml", "--data", "d"], true)).toEqual({
      command: "run",
      plain: true,
      teach: false,
      traceAt: false,
      stopAfterMs: 40_000,
      configFile: "c.yaml",
      dataDirectory: "d",
    });
  });

  it("takes --trace at", () => {
    expect(parseCommandLine(["--trace", "at"], true)).toMatchObject({
      command: "run",
      traceAt: true,
      plain: true,
    });
  });

  it("opens the AT terminal on the configured modem or another", () => {
    expect(parseCommandLine(["at", "--config", "c.yaml"], true)).toEqual({
      command: "at",
      configFile: "c.yaml",
      port: null,
      baudBps: null,
    });
    expect(parseCommandLine(["at", "--port", "COM5", "--baud", "19200"], true)).toMatchObject({
      port: "COM5",
      baudBps: 19_200,
    });
  });

  it("serves a virtual modem on loopback unless told otherwise", () => {
    expect(parseCommandLine(["virtual-modem"], false)).toEqual({
      command: "virtual-modem",
      listen: { host: "127.0.0.1", port: 2323 },
      baudBps: 9600,
      seed: 1,
      reach: [],
      stopAfterMs: null,
    });
    const words = ["virtual-modem", "--listen", "[::1]:0", "--reach", "a.example", "--reach", "b.example"];
    expect(parseCommandLine(words, false)).toMatchObject({
      listen: { host: "::1", port: 0 },
      reach: ["a.example", "b.example"],
    });
  });

  it.each([
    [["--trace", "tcp"], "tcp"],
    [["at", "--plain"], "--plain"],
    [["at", "--baud", "fast"], "fast"],
    [["virtual-modem", "--baud", "5000"], "9600"],
    [["virtual-modem", "--listen", "2323"], "HOST:PORT"],
    [["virtual-modem", "--listen", "localhost:70000"], "70000"],
    [["--fro", "40s"], "--fro"],
    [["--for", "soon"], "soon"],
    [["--for", "600h"], "500h"],
    [["--for", "0s"], "1s"],
    [["--for"], "for"],
    [["dance"], "dance"],
    [["ports", "COM3"], "COM3"],
  ])("refuses %j, naming %s", (words, named) => {
    expect(() => parseCommandLine(words, true)).toThrow(UsageError);
    expect(() => parseCommandLine(words, true)).toThrow(named);
  });
});
