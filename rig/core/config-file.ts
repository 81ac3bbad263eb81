/**
 * Reads a configuration file: text -> YAML -> schema -> rules that span several keys.
 * Every fault is one line: file, line, key, the value, what is allowed.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { isMap, isNode, isScalar, LineCounter, type Node, parseDocument } from "yaml";
import { z } from "zod";
import { type Config, configSchema } from "./config.js";
import { type ConfigFault, findConflicts } from "./config-rules.js";
import { ConfigError } from "./errors.js";

/** A checked configuration that still knows where each of its keys stands in the text. */
export interface ConfigFile {
  readonly config: Config;
  /** The error for a value that turned out wrong only when it was used, such as a port that is taken. */
  fault(fault: ConfigFault): ConfigError;
}

/**
 * @param file path of the YAML file; paths inside it are taken from its own directory
 * @throws ConfigError whose message has one line for each fault
 */
export function readConfigFile(file: string): ConfigFile {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    const why = missing ? "there is no such file" : (cause as Error).message;
    throw new ConfigError("config/unreadable", `cannot read the configuration ${file}: ${why}`, {
      cause,
      hint: "give the path of a YAML file with --config, such as config/virtual.yaml",
    });
  }
  return parseConfig(text, file);
}

/** @param file name used in messages, and the place that relative paths start from */
export function parseConfig(text: string, file: string): ConfigFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw new ConfigError(
      "config/yaml",
      document.errors
        .map(({ pos, message }) => `${file}:${lines.linePos(pos[0]).line}: not YAML: ${message}`)
        .join("\n"),
    );
  }
  const errorOf = (faults: readonly ConfigFault[]) =>
    new ConfigError(
      "config/invalid",
      faults
        .map(({ path: keys, value, problem }) => {
          const { line } = lines.linePos(offsetOf(document.contents, keys) ?? 0);
          const shown = value === undefined ? problem : `is ${JSON.stringify(value)}: ${problem}`;
          return `${file}:${line}: ${formatPath(keys)} ${shown}`;
        })
        .join("\n"),
    );

  const raw: unknown = document.toJS() ?? {};
  const parsed = configSchema.safeParse(raw);
  if (!parsed.success) throw errorOf(parsed.error.issues.flatMap((issue) => describeIssue(issue, raw)));

  const config = resolvePaths(parsed.data, path.dirname(path.resolve(file)));
  const conflicts = [...findConflicts(config), ...findMissingFiles(config)];
  if (conflicts.length > 0) throw errorOf(conflicts);
  return { config, fault: (fault) => errorOf([fault]) };
}

function resolvePaths(config: Config, directory: string): Config {
  const resolve = (file: string | undefined) => (file === undefined ? {} : path.resolve(directory, file));
  const passwordFile = resolve(config.broker.passwordFile);
  const firmware = resolve(config.virtual.firmware);
  return {
    ...config,
    broker: { ...config.broker, ...(typeof passwordFile === "string" ? { passwordFile } : {}) },
    virtual: { ...config.virtual, ...(typeof firmware === "string" ? { firmware } : {}) },
  };
}

function findMissingFiles(config: Config): ConfigFault[] {
  const named: [PropertyKey[], string | undefined][] = [
    [["broker", "passwordFile"], config.broker.passwordFile],
    [["virtual", "firmware"], config.virtual.firmware],
  ];
  return named.flatMap(([keys, file]) =>
    file === undefined || existsSync(file)
      ? []
      : [{ path: keys, value: file, problem: "there is no such file" }],
  );
}

function describeIssue(issue: z.core.$ZodIssue, raw: unknown): ConfigFault[] {
  if (issue.code === "unrecognized_keys") {
    const allowed = allowedKeys(issue.path);
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      value: undefined,
      problem: `is not a key of the configuration: allowed here are ${allowed.join(", ")}`,
    }));
  }
  const value = valueAt(raw, issue.path);
  if (value === undefined) {
    return [
      { path: issue.path, value: undefined, problem: `is missing: it must be ${describeAllowed(issue)}` },
    ];
  }
  return [{ path: issue.path, value, problem: `it must be ${describeAllowed(issue)}` }];
}

/** The schema's own words, or for a plain object, array or list the type that was expected. */
function describeAllowed(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type" && issue.message.startsWith("Invalid input")) {
    return issue.expected === "object" ? "an object with keys" : `a ${issue.expected}`;
  }
  return issue.message;
}

function valueAt(raw: unknown, keys: readonly PropertyKey[]): unknown {
  return keys.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key],
    raw,
  );
}

interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
}

function allowedKeys(keys: readonly PropertyKey[]): string[] {
  let places = [z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" }) as JsonSchema];
  for (const key of [...keys, null]) {
    places = places.flatMap((place) => [place, ...(place.anyOf ?? []), ...(place.oneOf ?? [])]);
    if (key === null) break;
    places = places
      .map((place) => (typeof key === "number" ? place.items : place.properties?.[String(key)]))
      .filter((place) => place !== undefined);
  }
  return [...new Set(places.flatMap((place) => Object.keys(place.properties ?? {})))];
}

function formatPath(keys: readonly PropertyKey[]): string {
  if (keys.length === 0) return "the configuration";
  return keys.reduce<string>(
    (text, key) =>
      typeof key === "number" ? `${text}[${key}]` : text === "" ? String(key) : `${text}.${String(key)}`,
    "",
  );
}

/** Where in the text the last of the keys stands, or as far down as the text goes. */
function offsetOf(contents: unknown, keys: readonly PropertyKey[]): number | undefined {
  let node: unknown = contents;
  let offset = isNode(node) ? node.range?.[0] : undefined;
  for (const key of keys) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (pair === undefined) return offset;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value;
    } else {
      node = (node as { get?: (key: unknown, keep: boolean) => unknown } | null)?.get?.(key, true);
      if (!isNode(node)) return offset;
      offset = node.range?.[0] ?? offset;
    }
  }
  return offset;
}
