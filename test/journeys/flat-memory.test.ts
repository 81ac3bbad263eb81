import { expect, it } from "vitest";
import { cyclesOf } from "../soak/campaign.js";
import { memory } from "../soak/memory.js";

it("a board that reconnects 200 times leaves at most 1 kB and no timer each time", {
  timeout: 60_000,
}, async () => {
  expect(await memory({ seed: 1, enough: cyclesOf(200) })).toContain("200 reconnects");
});
