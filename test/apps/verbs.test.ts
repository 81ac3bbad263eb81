import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseVerb, VerbError } from "../../rig/apps/verbs.js";

describe("a line of stdin", () => {
  it.each([
    ["lamps main 3", { verb: "lamps", meter: "main", count: 3 }],
    ["  lamps   main  3 ", { verb: "lamps", meter: "main", count: 3 }],
    ["load main 2.5", { verb: "load", meter: "main", currentA: 2.5, powerFactor: 1, thirdHarmonic: 0 }],
    [
      "load main 2.5 pf -0.8 h3 0.2",
      { verb: "load", meter: "main", currentA: 2.5, powerFactor: -0.8, thirdHarmonic: 0.2 },
    ],
    ["volts 235", { verb: "volts", volts: 235 }],
    ["hz 49.8", { verb: "hz", hz: 49.8 }],
    ["cut bus main", { verb: "cut", what: "bus", meter: "main" }],
    ["mend link", { verb: "mend", what: "link", link: "all" }],
    ["cut link 0", { verb: "cut", what: "link", link: 0 }],
    ["unplug main", { verb: "unplug", meter: "main" }],
    ["reset main", { verb: "reset", meter: "main" }],
    ["modem off", { verb: "modem", on: false }],
    ["modem on", { verb: "modem", on: true }],
    ["modem manual", { verb: "mode", mode: "manual" }],
    ["modem auto", { verb: "mode", mode: "auto" }],
    ["sim out", { verb: "sim", inserted: false }],
    ["network up", { verb: "network", up: true }],
    ["fault modem send-fail", { verb: "fault", what: "modem", name: "send-fail" }],
    ["fault modem none", { verb: "fault", what: "modem", name: "none" }],
    ["sms +4915112345678 two  words ", { verb: "sms", number: "+4915112345678", text: "two  words" }],
    ["quit", { verb: "quit" }],
  ])("%j is understood", (line, verb) => {
    expect(parseVerb(line)).toEqual(verb);
  });

  it.each([
    ["dance", "lamps METER N"],
    ["lamps main", "lamps METER N"],
    ["lamps main three", '"three" is no number'],
    ["load main 1 pf", "load METER AMPS [pf X] [h3 X]"],
    ["load main 1 thd 2", "load METER AMPS"],
    ["cut wire", "cut bus METER | cut link [N]"],
    ["quit now", "quit"],
    ["modem maybe", "modem off|on | modem auto|manual"],
    ["sim", "sim out|in"],
    ["network sideways", "network down|up"],
    ["fault modem toString", "brown-out"],
    ["fault board brown-out", "fault modem"],
    ["sms 12 text", "12"],
    ["sms +4915112345678", "sms NUMBER TEXT"],
    ["volts Infinity", '"Infinity" is no number'],
  ])("%j is refused with what is allowed", (line, part) => {
    expect(() => parseVerb(line)).toThrow(VerbError);
    expect(() => parseVerb(line)).toThrow(part);
  });

  it("of any content is understood or refused, nothing else", () => {
    fc.assert(
      fc.property(fc.string(), (line) => {
        try {
          parseVerb(line);
        } catch (error) {
          expect(error).toBeInstanceOf(VerbError);
        }
      }),
    );
  });
});
