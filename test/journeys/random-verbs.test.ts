import { expect, it } from "vitest";
import { cyclesOf } from "../soak/campaign.js";
import { verbs } from "../soak/verbs.js";

it("readings of steady stretches between 5 random verbs are within 1 % of the truth, and so is their energy", {
  timeout: 240_000,
}, async () => {
  expect(await verbs({ seed: 3, enough: cyclesOf(5) })).toContain("5 verbs");
});
