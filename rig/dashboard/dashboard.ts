/**
 * The terminal dashboard: takes the rig's events and waveforms -> draws them. A view at the side of the flow: nothing
 * comes back from it but the wish to quit.
 */
import type { Readable, Writable } from "node:stream";
import type { Clock } from "../core/clock.js";
import type { Config } from "../core/config.js";
import type { TimedEvent } from "../core/events.js";
import { type Choices, Page } from "./page.js";
import { Terminal } from "./terminal.js";
import { makeTheme, type Theme } from "./theme.js";
import { reduce, withWaveform } from "./view.js";
import { initialView, type ViewState, type Waveform } from "./view-state.js";

export interface DashboardOptions {
  readonly config: Config;
  readonly clock: Clock;
  /** Called once, when q or Ctrl-C is pressed or the process is told to end; the caller then stops the rig and this. */
  readonly onQuit: () => void;
  /** Whether the boards are emulated. */
  readonly virtual: boolean;
  readonly input?: Readable;
  /** Its `columns` and `rows` and its "resize" event give the size. */
  readonly output?: Writable;
  /** False: only bold and inverse. Default: unless NO_COLOR is set. */
  readonly colours?: boolean;
}

/** At most ten frames a second, whatever arrives. */
const FRAME_MS = 100;
const CLOCK_TICK_MS = 1000;

export class Dashboard {
  readonly #config: Config;
  readonly #clock: Clock;
  readonly #onQuit: () => void;
  readonly #terminal: Terminal;
  readonly #theme: Theme;
  readonly #startedMs: number;
  readonly #cancelTick: () => void;
  #state: ViewState;
  /** What is shown while the screen is held, and since when. */
  #held: { readonly state: ViewState; readonly atMs: number } | null = null;
  #choices: Choices = { page: 0, held: false, logScroll: 0, helpScroll: null };
  #page: Page;
  #lastFrameMs = Number.NEGATIVE_INFINITY;
  #cancelFrame: (() => void) | null = null;
  #quitting = false;
  #stopped = false;

  /** Takes the terminal over at once. */
  constructor(options: DashboardOptions) {
    this.#config = options.config;
    this.#clock = options.clock;
    this.#onQuit = options.onQuit;
    this.#theme = makeTheme(options.colours ?? (process.env.NO_COLOR ?? "") === "");
    this.#state = initialView(options.config, options.virtual);
    this.#startedMs = options.clock.steadyMs();
    this.#terminal = new Terminal({
      input: options.input ?? process.stdin,
      output: options.output ?? process.stdout,
      onSignal: () => this.#quit(),
    });
    const { screen } = this.#terminal;
    this.#page = this.#newPage();
    screen.on("resize", () => this.#relayout());
    screen.on("keypress", (_character: string, key: { full: string }) => this.#press(key.full));
    this.#cancelTick = this.#clock.every(CLOCK_TICK_MS, () => this.#changed());
    this.#draw();
  }

  show(event: TimedEvent): void {
    const before = this.#state;
    this.#state = reduce(before, event);
    // Whoever reads older lines keeps them in place when new ones come.
    if (this.#choices.logScroll > 0 && this.#held === null)
      this.#scrollLog(this.#state.logged - before.logged);
    this.#changed();
  }

  /** @param waveform one stretch of samples, three mains cycles or more, DC removed */
  showWaveform(meterId: string, waveform: Waveform): void {
    this.#state = withWaveform(this.#state, meterId, waveform);
    this.#changed();
  }

  /** Gives the terminal back. Doing it twice does nothing; what is shown afterwards is ignored. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelTick();
    this.#cancelFrame?.();
    this.#terminal.close();
  }

  #quit(): void {
    if (this.#quitting) return;
    this.#quitting = true;
    this.#onQuit();
  }

  #press(key: string): void {
    if (key === "q" || key === "C-c") {
      this.#quit();
      return;
    }
    const inHelp = this.#choices.helpScroll !== null;
    const pageLines = Math.max(1, (inHelp ? this.#page.helpLines : this.#page.logLines) - 1);
    switch (key) {
      case "?":
      case "h":
      case "f1":
        this.#choose({ helpScroll: inHelp ? null : 0 });
        break;
      case "escape":
        this.#choose({ helpScroll: null });
        break;
      case "space":
        this.#toggleHold();
        break;
      case "up":
      case "k":
        this.#scroll(-1);
        break;
      case "down":
      case "j":
        this.#scroll(1);
        break;
      case "pageup":
        this.#scroll(-pageLines);
        break;
      case "pagedown":
        this.#scroll(pageLines);
        break;
      case "home":
      case "g":
        this.#choose(inHelp ? { helpScroll: 0 } : { logScroll: 0 });
        break;
      case "tab":
        this.#turnPage(1);
        break;
      case "S-tab":
        this.#turnPage(-1);
        break;
      default:
        return;
    }
    this.#changed();
  }

  #toggleHold(): void {
    this.#held = this.#held === null ? { state: this.#state, atMs: this.#clock.nowMs() } : null;
    this.#choose({ held: this.#held !== null, ...(this.#held === null ? { logScroll: 0 } : {}) });
  }

  /** @param lines further down: older lines of the log, later ones of the help */
  #scroll(lines: number): void {
    if (this.#choices.helpScroll === null) this.#scrollLog(lines);
    else this.#scrollHelp(lines);
  }

  #scrollLog(lines: number): void {
    const largest = this.#page.largestLogScroll(this.#shown);
    this.#choose({ logScroll: Math.min(largest, Math.max(0, this.#choices.logScroll + lines)) });
  }

  #scrollHelp(lines: number): void {
    const wanted = (this.#choices.helpScroll ?? 0) + lines;
    this.#choose({ helpScroll: Math.max(0, Math.min(this.#page.largestHelpScroll(), wanted)) });
  }

  #turnPage(by: number): void {
    if (this.#page.pages === 1) return;
    this.#choose({ page: this.#choices.page + by });
    this.#page = this.#newPage();
  }

  #choose(choices: Partial<Choices>): void {
    this.#choices = { ...this.#choices, ...choices };
  }

  get #shown(): ViewState {
    return this.#held?.state ?? this.#state;
  }

  #newPage(): Page {
    return new Page(this.#terminal.screen, this.#config, this.#theme, this.#choices.page);
  }

  #relayout(): void {
    if (this.#stopped) return;
    this.#page = this.#newPage();
    this.#scrollLog(0);
    if (this.#choices.helpScroll !== null) this.#scrollHelp(0);
    this.#draw();
  }

  /** Something may look different: draws soon, together with what else changes until then. */
  #changed(): void {
    if (this.#stopped || this.#cancelFrame !== null) return;
    const delayMs = Math.max(0, this.#lastFrameMs + FRAME_MS - this.#clock.steadyMs());
    this.#cancelFrame = this.#clock.after(delayMs, () => {
      this.#cancelFrame = null;
      this.#draw();
    });
  }

  #draw(): void {
    this.#lastFrameMs = this.#clock.steadyMs();
    const timeMs = this.#clock.nowMs();
    const now = {
      timeMs,
      shownMs: this.#held?.atMs ?? timeMs,
      upMs: this.#clock.steadyMs() - this.#startedMs,
    };
    if (this.#page.draw(this.#shown, this.#choices, now)) this.#terminal.screen.render();
  }
}
