/** A terminal without a screen: what is written to `output` can be read back as text, keys are typed into `input`. */
import { PassThrough, Writable } from "node:stream";
import headless from "@xterm/headless";

export class HeadlessTerminal {
  readonly input: PassThrough;
  readonly output: Writable & { columns: number; rows: number };
  /** Everything that was written, with its control sequences. */
  written = "";
  readonly #terminal: InstanceType<typeof headless.Terminal>;

  constructor(columns: number, rows: number) {
    this.#terminal = new headless.Terminal({ cols: columns, rows, allowProposedApi: true });
    const output = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.written += chunk.toString("utf8");
        this.#terminal.write(chunk, done);
      },
    });
    this.output = Object.assign(output, { columns, rows, isTTY: true });
    this.input = Object.assign(new PassThrough(), { isTTY: true, isRaw: false, setRawMode: () => undefined });
  }

  /** Gives the terminal another size, as dragging its corner does. */
  resize(columns: number, rows: number): void {
    this.#terminal.resize(columns, rows);
    Object.assign(this.output, { columns, rows });
    this.output.emit("resize");
  }

  async press(...keys: string[]): Promise<void> {
    for (const key of keys) {
      this.input.write(key);
      await this.settle();
    }
  }

  /** Waits until all that was written has been taken in. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise<void>((resolve) => this.#terminal.write("", resolve));
  }

  /** The screen's lines, each as wide as the terminal. */
  lines(): string[] {
    const { active } = this.#terminal.buffer;
    return Array.from(
      { length: this.#terminal.rows },
      (_, row) =>
        active.getLine(active.viewportY + row)?.translateToString(false, 0, this.#terminal.cols) ?? "",
    );
  }

  text(): string {
    return this.lines().join("\n");
  }

  get inAlternateScreen(): boolean {
    return this.#terminal.buffer.active.type === "alternate";
  }

  /** Colours used on the screen: "default", or the number in the 256-colour palette. */
  foregroundsOf(text: string): (number | "default")[] {
    const { active } = this.#terminal.buffer;
    const row = this.lines().findIndex((line) => line.includes(text));
    const start = this.lines()[row]?.indexOf(text) ?? -1;
    return Array.from({ length: row < 0 ? 0 : text.length }, (_, index) => {
      const cell = active.getLine(active.viewportY + row)?.getCell(start + index);
      return cell === undefined || cell.isFgDefault() ? "default" : cell.getFgColor();
    });
  }

  /** Rows in which a character of this colour stands that `accept` takes. */
  rowsWith(colour: number, accept: RegExp): number[] {
    const { active } = this.#terminal.buffer;
    return this.lines().flatMap((_, row) => {
      const line = active.getLine(active.viewportY + row);
      const cells = Array.from({ length: this.#terminal.cols }, (_, column) => line?.getCell(column));
      const found = cells.some(
        (cell) => cell?.getFgColor() === colour && !cell.isFgDefault() && accept.test(cell.getChars()),
      );
      return found ? [row] : [];
    });
  }
}
