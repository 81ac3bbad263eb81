/** CPU time of the virtual bench with two boards beside avr8js alone. */
import { measureBenchSpeed } from "./bench-speed.js";
import { type BenchRow, judged } from "./table.js";

const LIMIT_RATIO = 1.3;

export function measureSpeed(): BenchRow[] {
  const { aloneCpuS, benchCpuS, ratio } = measureBenchSpeed();
  return [
    {
      what: "virtual bench, two boards, CPU for a second",
      limitOrPeer: [
        `limit ${LIMIT_RATIO} x avr8js alone`,
        `avr8js alone ${aloneCpuS.toFixed(3)} s (2 x ${(aloneCpuS / 2).toFixed(3)})`,
      ],
      ours: [judged(`${benchCpuS.toFixed(3)} s, ${ratio.toFixed(2)} x`, ratio <= LIMIT_RATIO)],
    },
  ];
}
