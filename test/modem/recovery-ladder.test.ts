import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RECOVERY_RUNGS } from "../../rig/core/events.js";
import {
  afterWorking,
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
  it("tries each twice, from TCP up to the power key, and then begins anew", () => {
    expect(rungsAfter(times(12, "tcp"))).toEqual([
      ...["tcp", "tcp", "pdp", "pdp", "attach", "attach", "restart", "restart"],
      ...["power-key", "power-key", "tcp", "tcp"],
    ]);
  });

  it("ends at a restart where no power key is configured", () => {
    const rungs = ["attach", "attach", "restart", "restart", "attach", "attach", "restart"];
    expect(rungsAfter(times(7, "attach"), false)).toEqual(rungs);
  });

  it.each([
    ["pdp", "pdp"],
    ["attach", "attach"],
    ["unregistered", "restart"],
    ["silent", "power-key"],
  ] as const)("starts after %s at %s", (failure, rung) => {
    expect(rungsAfter([failure])).toEqual([rung]);
    expect(rungsAfter(["tcp", failure])).toEqual(["tcp", rung]);
  });

  it("does not go down while the trouble lasts", () => {
    expect(rungsAfter(["unregistered", "tcp", "tcp"])).toEqual(["restart", "restart", "power-key"]);
  });

  it("begins below again with what fails after a silent modem answers", () => {
    expect(rungsAfter(["silent", "tcp", "tcp", "tcp"])).toEqual(["power-key", "tcp", "tcp", "pdp"]);
  });

  it("restarts a silent modem by command where no power key is configured", () => {
    expect(rungsAfter(["silent", "silent"], false)).toEqual(["restart", "restart"]);
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

/** What costs the network nothing may be tried twice a minute for ever; an attach, which can make it refuse the SIM, every 10 minutes. */
const LONGEST_MS = {
  none: 30_000,
  mqtt: 30_000,
  tcp: 60_000,
  pdp: 120_000,
  attach: 600_000,
  restart: 600_000,
  "power-key": 600_000,
};

describe("the pauses", () => {
  it("are 1.5 s, then 5 s doubled up to 10 minutes, in the middle of their jitter, and short for what costs nothing", () => {
    expect(stepsAfter(times(11, "tcp")).map((step) => step.pauseMs)).toEqual([
      ...[1500, 5000, 10_000, 20_000, 40_000, 80_000, 160_000, 320_000],
      ...[600_000, 600_000, 60_000],
    ]);
  });

  it("stay below half a minute for a broker that accepts and closes again and again", () => {
    const pauses = stepsAfter(times(12, "connection")).map((step) => step.pauseMs);
    expect(pauses.slice(0, 5)).toEqual([1500, 5000, 10_000, 20_000, 30_000]);
    expect(Math.max(...pauses)).toBe(30_000);
  });

  it("are short again after a connection that worked: half of the failures are forgotten, and every rung", () => {
    let state = LADDER_START;
    for (const failure of times(9, "tcp")) state = nextStep(state, failure, true, HALF).state;
    expect(state).toMatchObject({ rung: "power-key", failures: 9 });
    state = afterWorking(state);
    expect(state).toEqual({ ...LADDER_START, failures: 4 });
    expect(nextStep(state, "pdp", true, HALF).step).toEqual({ rung: "pdp", pauseMs: 40_000 });
    expect(nextStep(afterWorking(state), "pdp", true, HALF).step).toEqual({ rung: "pdp", pauseMs: 10_000 });
  });

  it("stay within 1 to 2 s the first time and 20 % of their middle later, after any history", () => {
    const failure = fc.constantFrom<LinkFailure>(
      ...(["connection", "tcp", "pdp", "attach", "unregistered", "silent", "restarted"] as const),
    );
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
              const middleMs = Math.min(LONGEST_MS[rung ?? "none"], 5000 * 2 ** (index - 1));
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
