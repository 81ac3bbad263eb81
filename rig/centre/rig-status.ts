/**
 * What the rig's own status says of its meters: they share its connection, and only one topic of a connection can have a last will.
 * Source for the idea: Sparkplug 3.0.0, where the death of an edge node is that of its devices. Pure.
 */
import { formatTopic, parseTopic, RIG } from "../core/topics.js";

export interface MeterStatus {
  readonly topic: string;
  /** Retained. */
  readonly payload: "online" | "offline";
}

/** @returns what to publish when `payload` came on `topicText`; nothing if that is no status of the site's rig */
export function meterStatuses(
  site: string,
  meters: readonly string[],
  topicText: string,
  payload: Uint8Array,
): MeterStatus[] {
  const topic = parseTopic(topicText);
  if (topic?.site !== site || topic.meter !== RIG || topic.kind !== "status") return [];
  const status = Buffer.from(payload).toString("latin1");
  if (status !== "online" && status !== "offline") return [];
  return meters.map((meter) => ({ topic: formatTopic({ site, meter, kind: "status" }), payload: status }));
}
