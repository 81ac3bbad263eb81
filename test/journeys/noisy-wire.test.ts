import { expect, it } from "vitest";
import { cyclesOf } from "../soak/campaign.js";
import { garbage } from "../soak/garbage.js";

it("noise on a board's wire, 4 times, is counted; readings are right when it has stopped, the neighbour's throughout", {
  timeout: 240_000,
}, async () => {
  expect(await garbage({ seed: 1, enough: cyclesOf(4) })).toContain("4 cycles");
});
