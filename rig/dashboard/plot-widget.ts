/**
 * A plot on the screen, drawn in braille dots on blessed-contrib's canvas. Its line chart is not used: that leaves margins
 * of its own, has no zero line in the middle and cannot share the area between two scales.
 */
import type { Widgets } from "blessed";
import makeCanvas, { type BrailleContext, type CanvasElement } from "blessed-contrib/lib/widget/canvas.js";
import type { Rectangle } from "./layout.js";
import type { Plot } from "./plots.js";
import type { Theme } from "./theme.js";

const DOTS_ACROSS = 2;
const DOTS_DOWN = 4;
/** Distance of the dots that make a grid line. */
const GRID_DOTS = 4;

export class PlotWidget {
  readonly #canvas: CanvasElement;
  readonly #columns: number;
  readonly #rows: number;
  readonly #theme: Theme;

  constructor(parent: Widgets.Screen, place: Rectangle, theme: Theme) {
    this.#columns = place.width;
    this.#rows = place.height;
    this.#theme = theme;
    this.#canvas = makeCanvas({ ...place, wrap: false });
    // contrib keeps 12 dots to itself; the whole box is wanted.
    this.#canvas.calcSize = () => {
      this.#canvas.canvasSize = { width: place.width * DOTS_ACROSS, height: place.height * DOTS_DOWN };
    };
    parent.append(this.#canvas);
  }

  /** Dots across the plot's own area, beside labels of this width. */
  dotsAcross(labelWidth: number): number {
    return (this.#columns - labelWidth - 1) * DOTS_ACROSS;
  }

  draw(plot: Plot): void {
    // A new canvas each time: clearing contrib's one costs more than making it, and it knows its size only when attached.
    this.#canvas.emit("attach");
    const context = this.#canvas.ctx;
    if (context === null) return;
    const labelWidth = Math.max(...plot.yLabels.map(({ text }) => text.length));
    const area = {
      left: (labelWidth + 1) * DOTS_ACROSS,
      width: this.dotsAcross(labelWidth) - 1,
      height: (this.#rows - 1) * DOTS_DOWN - 1,
    };
    const toX = (x: number) => area.left + Math.round(x * area.width);
    const toY = (y: number) => Math.round((1 - Math.min(1, Math.max(0, y))) * area.height);
    this.#drawGrid(context, plot, toX, toY);
    for (const { style, points } of plot.series) {
      context.strokeStyle = this.#theme.foreground[style] ?? "normal";
      drawLine(context, points, toX, toY);
    }
    this.#drawLabels(context, plot, labelWidth, toX, toY);
  }

  #drawGrid(
    context: BrailleContext,
    plot: Plot,
    toX: (x: number) => number,
    toY: (y: number) => number,
  ): void {
    context.strokeStyle = this.#theme.foreground.border ?? "normal";
    const dot = (x: number, y: number) => {
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(x, y);
      context.stroke();
    };
    for (const { at } of plot.yLabels) for (let x = toX(0); x <= toX(1); x += GRID_DOTS) dot(x, toY(at));
    for (const { at } of plot.xLabels) for (let y = toY(1); y <= toY(0); y += GRID_DOTS) dot(toX(at), y);
  }

  #drawLabels(
    context: BrailleContext,
    plot: Plot,
    labelWidth: number,
    toX: (x: number) => number,
    toY: (y: number) => number,
  ): void {
    context.fillStyle = this.#theme.foreground.dim ?? "normal";
    for (const { at, text } of plot.yLabels) context.fillText(text.padStart(labelWidth), 0, toY(at));
    const lastRow = (this.#rows - 1) * DOTS_DOWN;
    for (const { at, text } of plot.xLabels) {
      const centre = Math.floor(toX(at) / DOTS_ACROSS) - Math.floor(text.length / 2);
      const column = Math.max(0, Math.min(this.#columns - text.length, centre));
      context.fillText(text, column * DOTS_ACROSS, lastRow);
    }
  }
}

function drawLine(
  context: BrailleContext,
  points: Plot["series"][number]["points"],
  toX: (x: number) => number,
  toY: (y: number) => number,
): void {
  let open = false;
  context.beginPath();
  for (const { x, y } of points) {
    if (y === null) {
      open = false;
      continue;
    }
    if (!open) context.moveTo(toX(x), toY(y));
    context.lineTo(toX(x), toY(y));
    open = true;
  }
  context.stroke();
}
