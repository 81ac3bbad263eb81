import { expect, it } from "vitest";
import { cyclesOf } from "../soak/campaign.js";
import { modem } from "../soak/modem.js";

it("every fault of the modem at random for 10 minutes of bench time: the centre holds every report once, with its own time", {
  timeout: 240_000,
}, async () => {
  expect(await modem({ seed: 7, enough: cyclesOf(10) })).toContain("stored once each");
});
