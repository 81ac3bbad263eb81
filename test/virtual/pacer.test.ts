import { describe, expect, test } from "vitest";
import { Pacer } from "../../rig/virtual/pacer.js";

describe("Pacer", () => {
  test("gives 1000 ms of bench time for 1000 ms of real time, whatever the gaps of 1 to 40 ms", () => {
    const pacer = new Pacer(0);
    let benchMs = 0;
    let nowMs = 0;
    for (let gap = 1; nowMs < 1000; gap = (gap * 7) % 41) {
      nowMs = Math.min(1000, nowMs + gap);
      for (let due = pacer.dueMs(nowMs); due > 0; due = pacer.dueMs(nowMs)) benchMs += due;
    }
    // At most half a slice is left for the next time.
    expect(1000 - benchMs).toBeLessThan(2);
    expect(benchMs).toBeLessThanOrEqual(1000);
    expect(pacer.pace(1000).skippedMs).toBe(0);
  });

  test("never asks for more than 4 ms at once", () => {
    const pacer = new Pacer(0);
    expect(pacer.dueMs(100)).toBe(4);
    expect(pacer.pace(100).behindMs).toBe(96);
  });

  test("catches up 250 ms and gives up the other 750 ms of a standstill of 1000 ms", () => {
    const pacer = new Pacer(0);
    let benchMs = 0;
    for (let due = pacer.dueMs(1000); due > 0; due = pacer.dueMs(1000)) benchMs += due;
    expect(benchMs).toBeGreaterThan(247);
    expect(benchMs).toBeLessThanOrEqual(250);
    expect(pacer.pace(1000).skippedMs).toBe(750);
    expect(pacer.pace(1000).behindMs).toBeLessThan(4);
  });

  test("sleeps until the next slice is due, and not at all while it is behind", () => {
    const pacer = new Pacer(0);
    pacer.dueMs(4);
    expect(pacer.sleepMs(4.5)).toBeCloseTo(3.5, 9);
    pacer.dueMs(30);
    expect(pacer.sleepMs(30)).toBe(0);
  });
});
