import { describe, expect, it } from "vitest";
import { holdOutput } from "../../rig/dashboard/held-output.js";

function errorStream(isTTY: boolean) {
  const stream = {
    isTTY,
    written: "",
    write(text: string) {
      stream.written += text;
      return true;
    },
  };
  return stream;
}

function printer() {
  const printed: unknown[] = [];
  const print = (...args: unknown[]) => void printed.push(...args);
  return { printed, methods: { log: print, info: print, debug: print } };
}

describe("output while the screen is on", () => {
  it("is held on a terminal and written when the screen is gone", () => {
    const stderr = errorStream(true);
    const { printed, methods } = printer();
    const release = holdOutput(stderr, methods);
    stderr.write("trace 1\n");
    methods.log("library says %d", 2);
    expect(stderr.written).toBe("");
    release();
    expect(stderr.written).toBe("trace 1\nlibrary says 2\n");
    methods.log("after");
    expect(printed).toEqual(["after"]);
  });

  it("goes to a redirected stderr at once", () => {
    const stderr = errorStream(false);
    const { printed, methods } = printer();
    const release = holdOutput(stderr, methods);
    stderr.write("trace 1\n");
    methods.info("hello");
    expect(stderr.written).toBe("trace 1\nhello\n");
    release();
    expect(stderr.written).toBe("trace 1\nhello\n");
    expect(printed).toEqual([]);
  });

  it("is held up to 64 KiB, the newest, and says how much was dropped", () => {
    const stderr = errorStream(true);
    const release = holdOutput(stderr, printer().methods);
    for (let line = 0; line < 1000; line += 1) stderr.write(`${String(line).padStart(99)}\n`);
    release();
    expect(stderr.written).toContain("(34464 characters of older output were dropped)");
    expect(stderr.written.endsWith("999\n")).toBe(true);
    expect(stderr.written.length).toBeLessThan(66_000);
  });

  it("calls back whoever waits for a held write", async () => {
    const stderr = errorStream(true);
    const release = holdOutput(stderr, printer().methods);
    const write = stderr.write as (text: string, done: () => void) => boolean;
    await new Promise<void>((resolve) => write("x", resolve));
    release();
    expect(stderr.written).toBe("x");
  });
});
