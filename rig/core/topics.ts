/** MQTT topics of a site: `meter-rig/<site>/<meter>/<kind>`. Shared by the uplink and the centre. */
export const TOPIC_KINDS = ["frame", "status", "command", "answer"] as const;
/** Stands in a meter's place in the topics of the rig as a whole; no meter may be called so. */
export const RIG = "rig";
export type TopicKind = (typeof TOPIC_KINDS)[number];

export interface Topic {
  readonly site: string;
  readonly meter: string;
  readonly kind: TopicKind;
}

const TOPIC = /^meter-rig\/([A-Za-z0-9_-]{1,24})\/([A-Za-z0-9_-]{1,24})\/([a-z]+)$/;

export function formatTopic({ site, meter, kind }: Topic): string {
  return `meter-rig/${site}/${meter}/${kind}`;
}

/** @returns undefined if the text is no topic of ours */
export function parseTopic(text: string): Topic | undefined {
  const [, site, meter, name] = TOPIC.exec(text) ?? [];
  const kind = TOPIC_KINDS.find((known) => known === name);
  if (site === undefined || meter === undefined || kind === undefined) return undefined;
  return { site, meter, kind };
}
