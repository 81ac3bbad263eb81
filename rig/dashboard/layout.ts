/**
 * Where everything stands: size of the terminal and number of meters -> rectangles. Pure.
 */
export const MINIMUM_COLUMNS = 80;
export const MINIMUM_ROWS = 24;

/** In character cells; left and top count from 0. */
export interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface Layout {
  readonly header: Rectangle;
  readonly footer: Rectangle;
  /** One for each meter that is shown, in their order. */
  readonly panels: readonly Rectangle[];
  /** Index of the first meter shown. */
  readonly firstMeter: number;
  /** How many times Tab brings other meters before it comes round. */
  readonly pages: number;
  /** The way that all meters share: below the panels, across. */
  readonly sharedWay: Rectangle;
  /** Null where there is no room for it. */
  readonly power: Rectangle | null;
  readonly log: Rectangle;
}

/** A panel needs this much, and shows large digits and the trace from the second pair on. */
const PANEL = { width: 40, height: 14, comfortableWidth: 58, comfortableHeight: 23 };
const POWER_PLOT = { columns: 100, height: 9 };
/** From here on the shared way has a second line, where it has something to say there. */
const TWO_LINE_ROWS = 30;

/** @returns null if the terminal is too small */
export function layoutOf(
  columns: number,
  rows: number,
  { meterCount, hasModem, page }: { meterCount: number; hasModem: boolean; page: number },
): Layout | null {
  if (columns < MINIMUM_COLUMNS || rows < MINIMUM_ROWS) return null;
  const sharedHeight = hasModem && rows >= TWO_LINE_ROWS ? 2 : 1;
  const free = rows - 2 - sharedHeight;
  const bottomHeight = Math.min(18, Math.max(7, Math.round(free * 0.29)));
  const area = { left: 0, top: 1, width: columns, height: free - bottomHeight };
  const pages = Math.ceil(meterCount / capacityOf(area, meterCount));
  const perPage = Math.ceil(meterCount / pages);
  const firstMeter = (((page % pages) + pages) % pages) * perPage;
  const shown = Math.min(perPage, meterCount - firstMeter);
  const grid = gridOf(area, perPage);
  const bottomTop = area.top + area.height + sharedHeight;
  const powerWidth =
    columns >= POWER_PLOT.columns && bottomHeight >= POWER_PLOT.height ? Math.floor(columns / 2) : 0;
  return {
    header: { left: 0, top: 0, width: columns, height: 1 },
    footer: { left: 0, top: rows - 1, width: columns, height: 1 },
    panels: Array.from({ length: shown }, (_, index) => cellOf(area, grid, index)),
    firstMeter,
    pages,
    sharedWay: { left: 0, top: area.top + area.height, width: columns, height: sharedHeight },
    power: powerWidth === 0 ? null : { left: 0, top: bottomTop, width: powerWidth, height: bottomHeight },
    log: { left: powerWidth, top: bottomTop, width: columns - powerWidth, height: bottomHeight },
  };
}

interface Grid {
  readonly across: number;
  readonly down: number;
}

/** How many meters can be read at once. */
function capacityOf(area: Rectangle, meterCount: number): number {
  const across = Math.floor(area.width / PANEL.width);
  return Math.min(meterCount, across * Math.floor(area.height / PANEL.height));
}

/** The fewest rows of panels that are comfortable; else the fewest that are readable at all. */
function gridOf(area: Rectangle, panelCount: number): Grid {
  const grids = Array.from({ length: panelCount }, (_, index) => ({
    across: Math.ceil(panelCount / (index + 1)),
    down: index + 1,
  }));
  const fits = ({ across, down }: Grid, width: number, height: number) =>
    Math.floor(area.width / across) >= width && Math.floor(area.height / down) >= height;
  return (
    grids.find((grid) => fits(grid, PANEL.comfortableWidth, PANEL.comfortableHeight)) ??
    grids.find((grid) => fits(grid, PANEL.width, PANEL.height)) ?? { across: 1, down: 1 }
  );
}

/** Cells differ by one column or row where the area cannot be shared out evenly. */
function cellOf(area: Rectangle, { across, down }: Grid, index: number): Rectangle {
  const share = (length: number, parts: number, part: number) => Math.floor((length * part) / parts);
  const column = index % across;
  const row = Math.floor(index / across);
  const left = share(area.width, across, column);
  const top = share(area.height, down, row);
  return {
    left: area.left + left,
    top: area.top + top,
    width: share(area.width, across, column + 1) - left,
    height: share(area.height, down, row + 1) - top,
  };
}
