/**
 * Everything that happens in a rig, as plain objects: plain mode prints them, the dashboard draws them.
 * They are a contract with scripts: fields are added, never renamed.
 */
import type { Quantities, ReadingFlag } from "./reading.js";

export type BoardState = "connecting" | "ready" | "lost";
export type Route = "direct" | "bypassed" | "barred";
/** The two lines of a 16x2 display, each exactly 16 characters. */
export type LcdLines = readonly [string, string];

/** The measured fields that `reading`, `report` and `received` share. */
export interface MeasuredFields extends Quantities {
  readonly energyWh: number;
  readonly maxDemandW: number;
  readonly samples: number;
  readonly sampleRateHz: number;
  readonly flags: readonly ReadingFlag[];
}

export interface BoardEvent {
  readonly event: "board";
  readonly meter: string;
  readonly state: BoardState;
  /** Name and version as the board reports it, "StandardFirmata 2.5"; null before it is known. */
  readonly firmware: string | null;
  readonly port: string;
  /** Why it is not ready, or what to know about it ("sampling at 11 ms: firmware older than 2.5"). */
  readonly detail?: string;
  /** What was survived on this board's wire since the start. */
  readonly counters?: {
    readonly discardedBytes: number;
    readonly refusedMessages: number;
    readonly resets: number;
  };
}

export interface ReadingEvent extends MeasuredFields {
  readonly event: "reading";
  readonly meter: string;
  readonly runningDemandW: number;
  /** End of the window by the meter's side, ISO 8601 UTC. */
  readonly measuredAt: string;
}

export interface DisplayEvent {
  readonly event: "display";
  readonly meter: string;
  readonly lines: LcdLines;
}

/** One of the paper's formulas on one window of samples. */
export interface PaperFormula {
  readonly name: string;
  /** As printed. */
  readonly formula: string;
  readonly value: number;
  readonly unit: string;
  readonly note: string;
  /** The right form on the same window; null where there is none. */
  readonly corrected: { readonly formula: string; readonly value: number; readonly unit: string } | null;
}

/** With --teach: what the paper's formulas make of the samples of the reading before it, and what is wrong with each. */
export interface TeachingEvent {
  readonly event: "teaching";
  readonly meter: string;
  /** The RMS current that was measured [A]. */
  readonly currentA: number;
  readonly formulas: readonly PaperFormula[];
}

/** Virtual bench only: what the emulated glass really shows, read from the controller's memory. */
export interface LcdEvent {
  readonly event: "lcd";
  readonly meter: string;
  readonly lines: LcdLines;
  readonly timingViolations: number;
}

export interface RouteEvent {
  readonly event: "route";
  readonly meter: string;
  readonly route: Route;
  readonly via: string | null;
  readonly cause: string;
}

/** A report was made, sealed and written to the journal; the centre will say the same values in `received`. */
export interface ReportEvent extends MeasuredFields {
  readonly event: "report";
  readonly meter: string;
  readonly sequence: number;
  readonly measuredAt: string;
  /** Length of the interval that its readings cover [ms]. */
  readonly lengthMs: number;
  readonly runningDemandW: number;
  /** Reports of this meter that wait in the journal, this one included. */
  readonly waiting: number;
}

export interface SentEvent {
  readonly event: "sent";
  readonly meter: string;
  readonly sequence: number;
  /** The neighbour's id, or null when it went by the meter's own cable. */
  readonly via: string | null;
  readonly waiting: number;
}

export interface ReceivedEvent extends MeasuredFields {
  readonly event: "received";
  readonly meter: string;
  readonly sequence: number;
  readonly via: string | null;
  readonly delayed: boolean;
  readonly measuredAt: string;
  /** Length of the interval that its readings cover [ms]. */
  readonly lengthMs: number;
  readonly runningDemandW: number;
}

export interface AlertEvent {
  readonly event: "alert";
  /** "storage", "replay", "bad-seal", "behind", ... */
  readonly kind: string;
  readonly meter: string | null;
  readonly text: string;
}

export interface CommandEvent {
  readonly event: "command";
  readonly command: string;
  readonly outcome: "done" | "refused" | "needs-hand";
  readonly text: string;
}

/** Virtual bench only: whether the emulation keeps real time. */
export interface BenchEvent {
  readonly event: "bench";
  readonly behindMs: number;
  /** Bench time given up since the start because the machine could not keep up [ms]. */
  readonly skippedMs: number;
}

/** The embedded control centre is there. */
export interface CentreEvent {
  readonly event: "centre";
  /** Address of its page. */
  readonly page: string;
  /** "host:port" of the broker that it listens to. */
  readonly broker: string;
}

/** The way to the broker, which all meters share. */
export interface UplinkEvent {
  readonly event: "uplink";
  readonly state: "connecting" | "connected" | "down";
  readonly detail: string;
  /** While down, the kind of trouble: "uplink/refused", "uplink/untrusted", "uplink/lost", ... */
  readonly code?: string;
}

/**
 * no-answer: nothing, or no modem, at the port. sim: missing, locked, or a PIN wanted. searching: not registered yet.
 * connecting: PDP context and TCP. online: the socket is open. recovering: a rung of the ladder. manual: left alone.
 */
export type ModemState =
  | "starting"
  | "no-answer"
  | "sim"
  | "searching"
  | "connecting"
  | "online"
  | "recovering"
  | "manual"
  | "stopped";

/** What the recovery ladder does, from the mildest to the last. */
export const RECOVERY_RUNGS = ["mqtt", "tcp", "pdp", "attach", "restart", "power-key"] as const;
export type RecoveryRung = (typeof RECOVERY_RUNGS)[number];

export interface ModemEvent {
  readonly event: "modem";
  readonly state: ModemState;
  /** Signal as AT+CSQ gives it, 0 to 31; null when unknown. */
  readonly signal: number | null;
  readonly operator: string | null;
  /** What happens or went wrong, and what to do about it. */
  readonly detail: string;
  /** While recovering. */
  readonly rung?: RecoveryRung;
  /** Since the start. */
  readonly counters?: {
    /** RDY unasked: the supply gave way. */
    readonly brownOuts: number;
    /** Bytes on the wire that nothing explains. */
    readonly strayBytes: number;
  };
}

/** With --trace at: what crossed the modem's wire, secrets masked. */
export interface AtEvent {
  readonly event: "at";
  readonly direction: ">" | "<";
  /** A line without its end, or bytes with everything unprintable as \xHH. */
  readonly text: string;
  readonly kind: "command" | "line" | "prompt" | "payload" | "stray";
}

export interface SmsEvent {
  readonly event: "sms";
  /** delivered: the virtual network has handed it to the phone of that number. */
  readonly direction: "sent" | "received" | "delivered" | "failed";
  readonly number: string;
  readonly text: string;
  /** Why it failed. */
  readonly detail?: string;
}

/** The PC's clock beside the network's; nothing is ever corrected by it. */
export interface ClockEvent {
  readonly event: "clock";
  readonly state: "agrees" | "differs" | "stepped" | "wrong-zone" | "unknown";
  /** PC minus network [s]; null when the network gives no time. */
  readonly differenceS: number | null;
  readonly detail: string;
}

/** `meter-rig virtual-modem` alone: where its wire is. */
export interface ListeningEvent {
  readonly event: "listening";
  /** As a rig names it in modem.port. */
  readonly address: string;
}

/** `meter-rig virtual-modem` alone: a program has taken its wire, or left it. */
export interface ClientEvent {
  readonly event: "client";
  readonly connected: boolean;
}

export type RigEvent =
  | ListeningEvent
  | ClientEvent
  | ModemEvent
  | AtEvent
  | SmsEvent
  | ClockEvent
  | BoardEvent
  | ReadingEvent
  | TeachingEvent
  | DisplayEvent
  | LcdEvent
  | RouteEvent
  | ReportEvent
  | SentEvent
  | ReceivedEvent
  | AlertEvent
  | CommandEvent
  | BenchEvent
  | CentreEvent
  | UplinkEvent;

/** An event with its time, as it is printed and drawn. */
export type TimedEvent = RigEvent & { readonly time: string };

/** Where a stage says what happened. Must not throw. */
export type EmitEvent = (event: RigEvent) => void;
