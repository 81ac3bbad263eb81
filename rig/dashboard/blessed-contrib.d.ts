// The one part of blessed-contrib that is used: a box whose content is a canvas of braille dots, 2 x 4 to a character.
declare module "blessed-contrib/lib/widget/canvas.js" {
  import type { Widgets } from "blessed";

  /** A colour name, a number of the 256-colour palette, or "normal" for the terminal's own. */
  type CanvasColour = number | "normal";

  export interface BrailleContext {
    strokeStyle: CanvasColour;
    fillStyle: CanvasColour;
    beginPath(): void;
    moveTo(x: number, y: number): void;
    lineTo(x: number, y: number): void;
    stroke(): void;
    fillText(text: string, x: number, y: number): void;
  }

  export interface CanvasElement extends Widgets.BoxElement {
    /** Null before the element is attached to a screen. */
    ctx: BrailleContext | null;
    canvasSize: { width: number; height: number };
    calcSize(): void;
  }

  const makeCanvas: (options: Widgets.BoxOptions) => CanvasElement;
  // biome-ignore lint/style/noDefaultExport: this is how the CommonJS module looks from here
  export default makeCanvas;
}
