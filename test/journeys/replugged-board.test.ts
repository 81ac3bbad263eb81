import { expect, it } from "vitest";
import { cyclesOf } from "../soak/campaign.js";
import { replug } from "../soak/replug.js";

it("a board that is unplugged or reset at any moment, 4 times, is back within 8 s each time; its neighbour loses no sample", {
  timeout: 240_000,
}, async () => {
  expect(await replug({ seed: 1, enough: cyclesOf(4) })).toContain("4 cycles");
});
