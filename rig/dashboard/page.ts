/**
 * Everything on the screen at one size: boxes and plots in their places. Takes the ViewState and what the person at the
 * keyboard chose -> writes only what changed. A new size makes a new page.
 */
import blessed, { type Widgets } from "blessed";
import type { Config } from "../core/config.js";
import { footerRow, headerRow, tooSmallRows } from "./bars.js";
import { helpPanel, largestHelpScroll } from "./help.js";
import { type Layout, layoutOf, type Rectangle } from "./layout.js";
import { largestScroll, logPanel } from "./log-panel.js";
import { meterPanel, panelShape } from "./meter-panel.js";
import { PlotWidget } from "./plot-widget.js";
import { powerLegend, powerPlot, powerTitle, tracePlot } from "./plots.js";
import { frame, type Row } from "./rows.js";
import { sharedWayRows } from "./shared-way.js";
import { paint, type Theme } from "./theme.js";
import type { MeterView, ViewState } from "./view-state.js";

/** What was chosen by keys. */
export interface Choices {
  readonly page: number;
  readonly held: boolean;
  /** Lines the log is scrolled from its newest. */
  readonly logScroll: number;
  /** Lines the help is scrolled from its first; null: it is closed. */
  readonly helpScroll: number | null;
}

export interface Now {
  /** Wall-clock time of what is shown [ms since 1970]. */
  readonly timeMs: number;
  /** The same, but stands still while the screen is held. */
  readonly shownMs: number;
  readonly upMs: number;
}

const HELP_COLUMNS = 100;
/** What the power plot's title and the frame around it need. */
const TITLE_COLUMNS = 30;

export class Page {
  readonly columns: number;
  readonly rows: number;
  readonly #screen: Widgets.Screen;
  readonly #config: Config;
  readonly #theme: Theme;
  readonly #layout: Layout | null;
  readonly #boxes = new Map<string, { readonly box: Widgets.BoxElement; content: string }>();
  readonly #traces: { readonly plot: PlotWidget; drawn: MeterView | null }[] = [];
  readonly #power: PlotWidget | null = null;
  /** What the power plot was drawn of. */
  #powerDrawn: { readonly atMs: number; readonly histories: readonly MeterView["history"][] } | null = null;

  constructor(screen: Widgets.Screen, config: Config, theme: Theme, page: number) {
    this.#screen = screen;
    this.#config = config;
    this.#theme = theme;
    this.columns = screen.width as number;
    this.rows = screen.height as number;
    for (const child of [...screen.children]) child.destroy();
    const hasModem = config.modem !== "none";
    this.#layout = layoutOf(this.columns, this.rows, { meterCount: config.meters.length, hasModem, page });
    if (this.#layout === null) {
      this.#addBox("small", { left: 0, top: 0, width: this.columns, height: this.rows });
      return;
    }
    const { header, footer, panels, sharedWay, power, log } = this.#layout;
    this.#addBox("header", header);
    this.#addBox("footer", footer);
    this.#addBox("log", log);
    this.#addBox("shared way", sharedWay);
    panels.forEach((panel, index) => {
      this.#addBox(`panel ${index}`, panel);
      const { trace } = panelShape(panel.width, panel.height);
      if (trace === null) return;
      const place = { ...trace, left: panel.left + trace.left, top: panel.top + trace.top };
      this.#traces[index] = { plot: new PlotWidget(screen, place, theme), drawn: null };
    });
    if (power !== null) {
      this.#addBox("power", power);
      const inside = {
        left: power.left + 2,
        top: power.top + 1,
        width: power.width - 4,
        height: power.height - 2,
      };
      this.#power = new PlotWidget(screen, inside, theme);
    }
    this.#addBox("help", this.#helpPlace()).hide();
  }

  get pages(): number {
    return this.#layout?.pages ?? 1;
  }

  /** Lines of the log that are visible at once. */
  get logLines(): number {
    return (this.#layout?.log.height ?? 2) - 2;
  }

  /** Lines of the help that are visible at once. */
  get helpLines(): number {
    return this.#helpPlace().height - 2;
  }

  largestLogScroll(state: ViewState): number {
    const { log } = this.#layout ?? {};
    return log === undefined ? 0 : largestScroll(state, log.width, log.height);
  }

  largestHelpScroll(): number {
    const { width, height } = this.#helpPlace();
    return largestHelpScroll(this.#config, width, height);
  }

  /** Brings the boxes up to date. @returns whether anything is different */
  draw(state: ViewState, choices: Choices, now: Now): boolean {
    if (this.#layout === null) return this.#write("small", tooSmallRows(this.columns, this.rows));
    const { panels, sharedWay, log, power, firstMeter } = this.#layout;
    const changes = [
      this.#write("header", [
        headerRow(state, { timeMs: now.timeMs, upMs: now.upMs, held: choices.held }, this.columns),
      ]),
      this.#write("footer", [
        footerRow({ pages: this.pages, held: choices.held, help: choices.helpScroll !== null }, this.columns),
      ]),
      this.#write("shared way", sharedWayRows(state, sharedWay.width, sharedWay.height)),
      this.#write("log", logPanel(state, log.width, log.height, choices.logScroll)),
      this.#drawHelp(choices.helpScroll),
    ];
    panels.forEach((place, index) => {
      const meter = state.meters[firstMeter + index];
      if (meter === undefined) return;
      changes.push(this.#write(`panel ${index}`, meterPanel(meter, place.width, place.height, now.shownMs)));
      changes.push(this.#drawTrace(index, meter, state.mainsHz));
    });
    // The plot moves on once a second, not with every frame.
    const wholeSecondMs = (Math.floor(now.shownMs / 1000) + 1) * 1000;
    if (power !== null) changes.push(this.#drawPower(power, state, wholeSecondMs));
    return changes.includes(true);
  }

  #drawTrace(index: number, meter: MeterView, mainsHz: number): boolean {
    const trace = this.#traces[index];
    if (trace === undefined || trace.drawn === meter) return false;
    trace.drawn = meter;
    const labelWidth = `+${meter.scaleA}`.length;
    trace.plot.draw(tracePlot(meter, mainsHz, trace.plot.dotsAcross(Math.max(3, labelWidth))));
    return true;
  }

  #drawPower(place: Rectangle, state: ViewState, nowMs: number): boolean {
    const framed = this.#write(
      "power",
      frame({
        title: powerTitle(state, nowMs),
        state: powerLegend(state, place.width - TITLE_COLUMNS),
        rows: [],
        width: place.width,
        height: place.height,
      }),
    );
    const drawn = this.#powerDrawn;
    const histories = state.meters.map(({ history }) => history);
    if (drawn?.atMs === nowMs && drawn.histories.every((history, index) => history === histories[index]))
      return framed;
    this.#powerDrawn = { atMs: nowMs, histories };
    this.#power?.draw(powerPlot(state, nowMs));
    return true;
  }

  #drawHelp(scroll: number | null): boolean {
    const help = this.#boxes.get("help")?.box;
    if (help === undefined) return false;
    const shown = scroll !== null;
    const toggled = help.visible !== shown;
    if (shown) {
      const { width, height } = this.#helpPlace();
      help.show();
      return this.#write("help", helpPanel(this.#config, width, height, scroll)) || toggled;
    }
    help.hide();
    return toggled;
  }

  #helpPlace(): Rectangle {
    const width = Math.min(HELP_COLUMNS, this.columns);
    const wanted = largestHelpScroll(this.#config, width, 2) + 2;
    const height = Math.max(3, Math.min(wanted, this.rows - 2));
    return {
      left: Math.floor((this.columns - width) / 2),
      top: 1 + Math.floor((this.rows - 2 - height) / 2),
      width,
      height,
    };
  }

  #addBox(name: string, place: Rectangle): Widgets.BoxElement {
    const box = blessed.box({ parent: this.#screen, ...place, tags: false, wrap: false });
    this.#boxes.set(name, { box, content: "" });
    return box;
  }

  #write(name: string, rows: readonly Row[]): boolean {
    const entry = this.#boxes.get(name);
    const content = paint(rows, this.#theme);
    if (entry === undefined || entry.content === content) return false;
    entry.content = content;
    entry.box.setContent(content);
    return true;
  }
}
