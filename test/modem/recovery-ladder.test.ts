import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RECOVERY_RUNGS } from "../../rig/core/events.js";
import {
  LADDER_START,
  type LinkFailure,
  nextStep,
  type RecoveryStep,
} from "../../rig/modem/recovery-ladder.js";

const HALF = () => 0.5;

function stepsAfter(failures: readonly LinkFailure[], hasPowerKey = true, random = HALF): RecoveryStep[] {
  let state = LADDER_START;
  return failures.map((failure) => {
    const next = nextStep(state, failure, hasPowerKey, random);
    state = next.state;
    return next.step;
  });
}
const rungsAfter = (failures: readonly LinkFailure[], hasPowerKey = true) =>
  stepsAfter(failures, hasPowerKey).map((step) => step.rung);
const times = (count: number, failure: LinkFailure) => new Array<LinkFailure>(count).fill(failure);

describe("the rungs", () => {
  it("tries each twice, from TCP up to the power key, and stays there", () => {
    expect(rungsAfter(times(12, "tcp"))).toEqual([
      ...["tcp", "tcp", "pdp", "pdp", "attach", "attach", "restart", "restart"],
      ...["power-key", "power-key", "power-key", "power-key"],
    ]);
  });

  it("ends at a restart where no power key is configured", () => {
    expect(rungsAfter(times(10, "attach"), false).slice(2)).toEqual(times(8, "tcp").map(() => "restart"));
  });

  it.each([
    ["pdp", "pdp"],
    ["attach", "attach"],
    ["silent", "restart"],
  ] as const)("starts after %s at %s", (failure, rung) => {
    expect(rungsAfter([failure])).toEqual([rung]);
    expect(rungsAfter(["tcp", failure])).toEqual(["tcp", rung]);
  });

  it("does not go down while the trouble lasts", () => {
    expect(rungsAfter(["silent", "tcp", "tcp"])).toEqual(["restart", "restart", "power-key"]);
  });

  it("only connects anew after a connection that had carried bytes both ways, however often it fails", () => {
    expect(rungsAfter(times(9, "connection"))).toEqual(times(9, "connection").map(() => "mqtt"));
    expect(rungsAfter(["tcp", "tcp", "pdp", "connection"])).toEqual(["tcp", "tcp", "pdp", "mqtt"]);
  });

  it("brings a modem up at once that has restarted by itself, and with pauses when it does so again", () => {
    expect(stepsAfter(["restarted", "restarted"])).toEqual([
      { rung: null, pauseMs: 0 },
      { rung: null, pauseMs: 5000 },
    ]);
  });
});

describe("the pauses", () => {
  it("are 1.5 s, then 5 s doubled up to 10 minutes in the middle of their jitter", () => {
    expect(stepsAfter(times(11, "tcp")).map((step) => step.pauseMs)).toEqual([
      ...[1500, 5000, 10_000, 20_000, 40_000, 80_000, 160_000, 320_000],
      ...[600_000, 600_000, 600_000],
    ]);
  });

  it("stay within 1 to 2 s the first time and 20 % of their middle later, after any history", () => {
    const failure = fc.constantFrom<LinkFailure>("connection", "tcp", "pdp", "attach", "silent", "restarted");
    const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(failure, { minLength: 1, maxLength: 60 }),
        fc.boolean(),
        unit,
        (history, key, r) => {
          const steps = stepsAfter(history, key, () => r);
          steps.forEach(({ rung, pauseMs }, index) => {
            if (index === 0) expect(pauseMs).toBeLessThanOrEqual(2000);
            else {
              const middleMs = Math.min(600_000, 5000 * 2 ** (index - 1));
              expect(Math.abs(pauseMs - middleMs)).toBeLessThanOrEqual(0.2 * middleMs + 1e-6);
            }
            if (rung !== null) expect(RECOVERY_RUNGS).toContain(rung);
            if (!key) expect(rung).not.toBe("power-key");
          });
        },
      ),
    );
  });
});
