/** Bytes to a board for a full redraw of its display and for a new reading, beside johnny-five's LCD on the same lines. */
import { systemClock } from "../../rig/core/clock.js";
import { configSchema } from "../../rig/core/config.js";
import type { LcdLines } from "../../rig/core/events.js";
import type { BoardPins } from "../../rig/core/pins.js";
import { createLcd } from "../../rig/display/lcd.js";
import { PAGE_PERIOD_MS, screenLines } from "../../rig/display/screens.js";
import { randomFrom } from "../measure/synthetic.js";
import { FakeFirmata } from "../support/fake-firmata.js";
import { JohnnyFivePeer, writeScreen } from "./johnny-five-peer.js";
import type { Random } from "./recording.js";
import { type BenchRow, judged } from "./table.js";

const FULL_LIMIT_BYTES = 420;
const CHANGE_LIMIT_BYTES = 100;
const READINGS = 600;
const READING_MS = 1000;

const BLANK: LcdLines = [" ".repeat(16), " ".repeat(16)];
/** Every character differs from the one to the other. */
const FULL: LcdLines = ["0123456789ABCDEF", "abcdefghijklmnop"];
const OTHER: LcdLines = ["GHIJKLMNOPQRSTUV", "0123456789012345"];

interface Screen {
  readonly lines: LcdLines;
  /** Another page than before, not only other figures. */
  readonly turned: boolean;
}

interface Cost {
  readonly full: number;
  readonly change: number;
  readonly turn: number;
}

export async function measureLcdBytes(seed: number): Promise<BenchRow[]> {
  const screens = readingSeries(randomFrom(seed));
  const rows: BenchRow[] = [];
  for (const wiring of ["parallel", "i2c"] as const) {
    const ours = costOfOurs(wiring, screens);
    const peer = await costOfPeer(wiring, screens);
    const name = wiring === "parallel" ? "LCD, parallel" : "LCD, I2C";
    const bytes = (count: number) => `${count.toFixed(0)} B`;
    // The limits are for the parallel wiring.
    const limit = (limitBytes: number) => (wiring === "parallel" ? [`limit ${limitBytes} B`] : []);
    const judge = (count: number, limitBytes: number) =>
      wiring === "parallel" ? judged(bytes(count), count <= limitBytes) : bytes(count);
    rows.push(
      {
        what: `${name}: full 2x16 redraw`,
        limitOrPeer: [...limit(FULL_LIMIT_BYTES), `johnny-five ${bytes(peer.full)}`],
        ours: [judge(ours.full, FULL_LIMIT_BYTES)],
      },
      {
        what: `${name}: changed reading, mean of ${READINGS}`,
        limitOrPeer: [
          ...limit(CHANGE_LIMIT_BYTES),
          `johnny-five, changed lines rewritten ${bytes(peer.change)}`,
          `the same where the page turns ${bytes(peer.turn)}`,
        ],
        ours: [judge(ours.change, CHANGE_LIMIT_BYTES), `page turned ${bytes(ours.turn)}`],
      },
    );
  }
  return rows;
}

/** A meter's display over ten minutes, one reading a second: the mains wanders, readings scatter, lamps are switched. */
function readingSeries(random: Random): Screen[] {
  const lampA = 100 / 230;
  let lamps = 2;
  let mainsV = 230;
  let energyWh = 1234.5;
  let maxDemandW = 0;
  let last = -1;
  return Array.from({ length: READINGS }, (_, second) => {
    if (second % 60 === 59) lamps = 1 + Math.floor(4 * random.uniform());
    mainsV += 0.05 * random.gauss();
    // What remains of the noise of 333 samples: 0.05 % of a voltage, 0.6 mA of a current.
    const voltageV = mainsV * (1 + 5e-4 * random.gauss());
    const currentA = lamps * lampA * (mainsV / 230) + 6e-4 * random.gauss();
    const activePowerW = voltageV * currentA;
    energyWh += (activePowerW * READING_MS) / 3.6e6;
    maxDemandW = Math.max(maxDemandW, activePowerW);
    const page = Math.floor((second * READING_MS) / PAGE_PERIOD_MS);
    const turned = page !== last;
    last = page;
    const lines = screenLines({
      reading: {
        currentA,
        activePowerW,
        voltageV,
        voltageSource: "measured",
        powerFactor: 1,
        energyWh,
        maxDemandW,
        flags: [],
      },
      route: "direct",
      carries: false,
      message: null,
      page,
    });
    return { lines, turned };
  });
}

/** Runs the series through what writes it. @param show returns the bytes that it took */
function costOf(show: (lines: LcdLines) => number, screens: readonly Screen[]): Cost {
  show(FULL);
  const full = show(OTHER);
  show(screens[0]!.lines);
  const costs = screens.slice(1).map(({ lines, turned }) => ({ bytes: show(lines), turned }));
  const mean = (turned: boolean) => {
    const bytes = costs.filter((cost) => cost.turned === turned).map((cost) => cost.bytes);
    return bytes.reduce((sum, count) => sum + count, 0) / bytes.length;
  };
  return { full, change: mean(false), turn: mean(true) };
}

function costOfOurs(wiring: "parallel" | "i2c", screens: readonly Screen[]): Cost {
  let bytes = 0;
  const pins: BoardPins = {
    setMode: () => undefined,
    writePort: () => {
      bytes += 3;
    },
    onInput: () => () => undefined,
    // One I2C_REQUEST: five bytes around two for each of at most 30 data bytes.
    writeI2c: (_address, data) => {
      bytes += 5 * Math.ceil(data.length / 30) + 2 * data.length;
    },
  };
  const { lcd: config } = configSchema.parse({ meters: [{ id: "main", lcd: { type: wiring } }] }).meters[0]!;
  const lcd = createLcd(config, pins)!;
  lcd.begin();
  const show = (lines: LcdLines) => {
    bytes = 0;
    lcd.show(lines);
    return bytes;
  };
  return costOf(show, screens);
}

/** Counted where a board would receive them. */
async function costOfPeer(wiring: "parallel" | "i2c", screens: readonly Screen[]): Promise<Cost> {
  const board = new FakeFirmata(systemClock, { bootMs: 20 });
  const stream = await board.open();
  const peer = await JohnnyFivePeer.connect(stream);
  try {
    const write = peer.display(wiring);
    let shown: LcdLines = BLANK;
    writeScreen(write, BLANK);
    const show = (lines: LcdLines) => {
      const before = board.received.length;
      for (const row of [0, 1] as const) if (lines[row] !== shown[row]) write(row, lines[row]);
      shown = lines;
      return board.received.length - before;
    };
    return costOf(show, screens);
  } finally {
    peer.close();
    stream.destroy();
    board.dispose();
  }
}
