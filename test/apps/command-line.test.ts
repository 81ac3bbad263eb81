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
      stopAfterMs: 40_000,
      configFile: "c.yaml",
      dataDirectory: "d",
    });
  });

  it.each([
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
