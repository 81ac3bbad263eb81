import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ModemState, RECOVERY_RUNGS, type RigEvent } from "../../rig/core/events.js";
import type { Style } from "../../rig/dashboard/rows.js";
import { sharedWayRows } from "../../rig/dashboard/shared-way.js";
import { reduce } from "../../rig/dashboard/view.js";
import { initialView, type ViewState } from "../../rig/dashboard/view-state.js";
import { at, benchConfig, modem, modemConfig, received, START_MS } from "./events.js";
import { plainText } from "./plain-text.js";

const start = initialView(modemConfig("main", "neighbour"), true);

function viewAfter(events: readonly RigEvent[], state: ViewState = start): ViewState {
  return events.reduce((before, event) => reduce(before, at(START_MS, event)), state);
}

/** The lines without the blanks at their ends. */
function linesOf(state: ViewState, width = 80, height = 1): string[] {
  return plainText(sharedWayRows(state, width, height)).map((line) => line.trimEnd());
}

function styleOf(state: ViewState, text: string, height = 1): Style | undefined {
  return sharedWayRows(state, 160, height)
    .flat()
    .find((part) => part.text.includes(text))?.style;
}

const online = modem("online", "connected to 192.0.2.7:1883", { signal: 17, operator: "Airtel" });
const connected: RigEvent = { event: "uplink", state: "connected", detail: "192.0.2.7:1883" };
const waits = (meter: string, waiting: number): RigEvent => ({
  ...received(meter, 1),
  event: "report",
  waiting,
});

describe("the modem's line", () => {
  it("says signal, operator, state, broker and what waits in all journals, in 80 columns", () => {
    expect(linesOf(viewAfter([online, connected, waits("main", 2), waits("neighbour", 1)]))).toEqual([
      " SIM900 ▂▄▆· -80 dBm   Airtel · online · broker connected             3 waiting",
    ]);
  });

  // SIM900 AT Command Manual V1.03, AT+CSQ: 0 is -115 dBm or less, 1 is -111, 2 to 30 are -110 to -54, 31 is -52 or more.
  it.each([
    [null, "···· no signal"],
    [0, "···· ≤-115 dBm"],
    [1, "···· -111 dBm"],
    [2, "▂··· -110 dBm"],
    [9, "▂··· -96 dBm"],
    [10, "▂▄·· -94 dBm"],
    [15, "▂▄▆· -84 dBm"],
    [20, "▂▄▆█ -74 dBm"],
    [30, "▂▄▆█ -54 dBm"],
    [31, "▂▄▆█ ≥-52 dBm"],
  ])("shows AT+CSQ %s as %s", (signal, shown) => {
    expect(linesOf(viewAfter([{ ...online, signal }]))[0]).toContain(` ${shown} `);
  });

  it.each<[ModemState, string, Style]>([
    ["starting", "starting", "dim"],
    ["no-answer", "no answer", "broken"],
    ["sim", "SIM not ready", "broken"],
    ["searching", "searching", "attention"],
    ["connecting", "connecting", "attention"],
    ["online", "online", "good"],
    ["recovering", "recovering", "attention"],
    ["manual", "manual, left alone", "bright"],
    ["stopped", "stopped", "dim"],
  ])("says %s as %s, in the colour of what is %s", (state, words, style) => {
    expect(styleOf(viewAfter([modem(state, "")]), words)).toBe(style);
  });

  it("says the rung of the ladder by name and number", () => {
    const climbed = RECOVERY_RUNGS.map(
      (rung) => / (recovering.*?) {2}/.exec(linesOf(viewAfter([modem("recovering", "", { rung })]))[0]!)?.[1],
    );
    expect(climbed).toEqual([
      "recovering 1/6: MQTT",
      "recovering 2/6: TCP",
      "recovering 3/6: PDP context",
      "recovering 4/6: attach",
      "recovering 5/6: restart",
      "recovering 6/6: power key",
    ]);
  });

  it("cuts the operator's name rather than the state in 80 columns", () => {
    const state = viewAfter([
      modem("recovering", "", { rung: "pdp", signal: 0, operator: "Vodafone Deutschland" }),
      waits("main", 123),
    ]);
    expect(linesOf(state)[0]).toMatch(/ Vodafone D\w*… · recovering 3\/6: PDP context +123 waiting$/);
  });

  it("says of the broker only what an open socket makes possible", () => {
    expect(linesOf(viewAfter([online, { event: "uplink", state: "down", detail: "refused" }]))[0]).toContain(
      "online · broker down",
    );
    expect(linesOf(viewAfter([modem("searching", ""), connected]))[0]).not.toContain("broker");
  });

  it("marks more waiting reports than meters", () => {
    expect(styleOf(viewAfter([online, waits("main", 2)]), "2")).toBe("text");
    expect(styleOf(viewAfter([online, waits("main", 2), waits("neighbour", 1)]), "3")).toBe("attention");
  });

  it("says so before the modem has said anything", () => {
    expect(linesOf(start)[0]).toMatch(/^ SIM900 not started yet +0 waiting$/);
  });
});

describe("the second line", () => {
  it("says what goes on, and the broker's trouble once the socket is open", () => {
    expect(linesOf(viewAfter([modem("searching", "searching for the network")]), 100, 2)[1]).toBe(
      "        searching for the network",
    );
    const refused: RigEvent = { event: "uplink", state: "down", detail: "the broker refused the login" };
    expect(linesOf(viewAfter([online, refused]), 100, 2)[1]).toBe("        the broker refused the login");
  });

  const refused: RigEvent = {
    event: "uplink",
    state: "down",
    detail: "the broker refused the password: check broker.passwordFile",
    code: "uplink/refused",
  };
  const untrusted: RigEvent = { ...refused, detail: "set broker.caFile", code: "uplink/untrusted" };
  it.each([
    [modem("online", "connected to 192.0.2.7:1883")],
    [modem("connecting", "opening 192.0.2.7:1883")],
    [modem("recovering", "it was given up; a new connection, in 5 s", { rung: "mqtt" })],
    [modem("recovering", "it was given up; a new connection, in 5 s", { rung: "tcp" })],
  ])("goes on saying what to do about a broker that refuses the rig, in red: %j", (said) => {
    for (const trouble of [refused, untrusted]) {
      const state = viewAfter([online, trouble, said]);
      const [first, second] = linesOf(state, 100, 2);
      expect(first).toContain(" · broker down");
      expect(second).toBe(`        ${trouble.detail}`);
      expect(styleOf(state, trouble.detail, 2)).toBe("broken");
    }
  });

  it.each([
    [refused, modem("searching", "searching for the network")],
    [refused, modem("recovering", "no context; a new one, in 5 s", { rung: "pdp" })],
    [{ ...refused, code: "uplink/lost" } as RigEvent, modem("connecting", "opening 192.0.2.7:1883")],
    [connected, modem("connecting", "opening 192.0.2.7:1883")],
  ])("says the modem's trouble where that is what keeps the broker away: %j %j", (uplink, said) => {
    const [first, second] = linesOf(viewAfter([online, uplink, said]), 100, 2);
    expect(first).not.toContain("broker");
    expect(second).toBe(`        ${said.detail}`);
  });

  it("says what is broken in red", () => {
    expect(styleOf(viewAfter([modem("sim", "the SIM wants its PIN")]), "the SIM wants", 2)).toBe("broken");
  });

  it("says what is odd at its right end: a wrong clock, a weak supply, bytes that nothing explains", () => {
    const state = viewAfter([
      { ...online, counters: { brownOuts: 2, strayBytes: 14 } },
      { event: "clock", state: "differs", differenceS: 42, detail: "the PC's clock is 42 s ahead" },
    ]);
    expect(linesOf(state, 120, 2)[1]).toMatch(/ {2}PC clock \+42 s {2}brown-outs 2 {2}stray bytes 14$/);
    const agrees: RigEvent = { event: "clock", state: "agrees", differenceS: 1, detail: "" };
    const fine = viewAfter([{ ...online, counters: { brownOuts: 0, strayBytes: 0 } }, agrees]);
    expect(linesOf(fine, 120, 2)[1]).toBe("        connected to 192.0.2.7:1883");
  });
});

describe("the line of a rig without a modem", () => {
  const wired = initialView(benchConfig("main"), true);

  it("says how the uplink is, and what waits", () => {
    expect(linesOf(viewAfter([connected, waits("main", 1)], wired))[0]).toMatch(
      /^ network uplink connected: 192\.0\.2\.7:1883 +1 waiting$/,
    );
    expect(linesOf(wired)[0]).toContain("no uplink yet");
  });
});

it("the lines are exactly as wide as asked and one column a character, whatever the modem says", () => {
  const text = fc.string({ unit: "binary" });
  const states = fc.constantFrom<ModemState>("online", "recovering", "sim", "manual");
  const rung = fc.constantFrom(...RECOVERY_RUNGS);
  const signal = fc.option(fc.integer({ min: 0, max: 31 }));
  fc.assert(
    fc.property(
      fc.record({ state: states, detail: text, operator: fc.option(text), signal, rung }),
      fc.integer({ min: 80, max: 300 }),
      fc.constantFrom(1, 2),
      fc.nat(),
      (said, width, height, waiting) => {
        const state = viewAfter([{ event: "modem", ...said }, connected, waits("main", waiting)]);
        const lines = plainText(sharedWayRows(state, width, height));
        expect(lines.map((line) => line.length)).toEqual(Array(height).fill(width));
        expect(lines.join("")).not.toMatch(/\p{Cc}|\p{M}|\p{Emoji_Presentation}/u);
      },
    ),
  );
});
