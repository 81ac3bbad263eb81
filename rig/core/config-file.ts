/**
 * Reads a configuration file: text -> YAML -> schema -> rules that span several keys.
 * Every fault is one line: file, line, key, the value, what is allowed.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import {
  type Document,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLParseError,
} from "yaml";
import { z } from "zod";
import { type Config, configSchema } from "./config.js";
import { type ConfigFault, findConflicts } from "./config-rules.js";
import { ConfigError } from "./errors.js";

/** What is shown in place of a password. */
const HIDDEN = "(hidden)";

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
        .map((error) => `${file}:${lines.linePos(error.pos[0]).line}: ${describeYamlError(error)}`)
        .join("\n"),
    );
  }
  const errorOf = (faults: readonly ConfigFault[]) =>
    new ConfigError(
      "config/invalid",
      faults
        .map(({ path: keys, value, problem }) => {
          const { offset, node } = findKey(document.contents, keys);
          const { line } = lines.linePos(offset ?? 0);
          const shown = value === undefined ? problem : `is ${formatValue(value, keys, node)}: ${problem}`;
          return `${file}:${line}: ${formatPath(keys)} ${shown}`;
        })
        .join("\n"),
    );

  const raw: unknown = resolveAliases(document, file, lines) ?? {};
  const parsed = configSchema.safeParse(raw);
  if (!parsed.success) throw errorOf(parsed.error.issues.flatMap((issue) => describeIssue(issue, raw)));

  const config = resolvePaths(parsed.data, path.dirname(path.resolve(file)));
  const conflicts = [...findConflicts(config), ...findMissingFiles(config)];
  if (conflicts.length > 0) throw errorOf(conflicts);
  return { config, fault: (fault) => errorOf([fault]) };
}

function describeYamlError({ code, message }: YAMLParseError): string {
  if (code === "MULTIPLE_DOCS")
    return "a second YAML document starts here: a configuration is one; leave out the line --- and what follows";
  return `not YAML: ${message}`;
}

/** The document as plain values. Names of aliases are not told: a password that begins with * looks like one. */
function resolveAliases(document: Document.Parsed, file: string, lines: LineCounter): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    let offset: number | undefined;
    visit(document, {
      Alias(_, alias) {
        if (alias.resolve(document) !== undefined) return;
        offset = alias.range?.[0];
        return visit.BREAK;
      },
    });
    const why =
      offset === undefined
        ? "its aliases cannot be resolved"
        : "this alias (*name) has no anchor (&name) before it; put text that begins with * in quotes";
    const place = offset === undefined ? file : `${file}:${lines.linePos(offset).line}`;
    throw new ConfigError("config/yaml", `${place}: not YAML: ${why}`, { cause });
  }
}

function resolvePaths(config: Config, directory: string): Config {
  const resolve = (file: string | undefined) =>
    file === undefined ? undefined : path.resolve(directory, file);
  const { broker, modem, virtual } = config;
  return {
    ...config,
    broker: { ...broker, passwordFile: resolve(broker.passwordFile), caFile: resolve(broker.caFile) },
    modem: modem === "none" ? modem : { ...modem, pinFile: resolve(modem.pinFile) },
    virtual: { ...virtual, firmware: resolve(virtual.firmware) },
  };
}

function findMissingFiles({ broker, modem, virtual }: Config): ConfigFault[] {
  const named: [PropertyKey[], string | undefined][] = [
    [["broker", "passwordFile"], broker.passwordFile],
    [["broker", "caFile"], broker.caFile],
    [["modem", "pinFile"], modem === "none" ? undefined : modem.pinFile],
    [["virtual", "firmware"], virtual.firmware],
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
  if (issue.code === "invalid_union") {
    // The one form whose inside is wrong is what was meant: its faults say more than that no form fits.
    const meant = issue.errors.filter((branch) => branch.every(isInside));
    if (meant.length === 1) {
      return meant[0]!.flatMap((inner) =>
        describeIssue({ ...inner, path: [...issue.path, ...inner.path] }, raw),
      );
    }
  }
  const value = valueAt(raw, issue.path);
  if (value === undefined) {
    return [
      { path: issue.path, value: undefined, problem: `is missing: it must be ${describeAllowed(issue)}` },
    ];
  }
  return [{ path: issue.path, value, problem: `it must be ${describeAllowed(issue)}` }];
}

/** Whether the value has the right form and something inside it is wrong. */
function isInside(issue: z.core.$ZodIssue): boolean {
  return issue.path.length > 0 || issue.code === "unrecognized_keys";
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

/** A value for a message: numbers as they are written in the file, never a password. */
function formatValue(value: unknown, keys: readonly PropertyKey[], node: unknown): string {
  if (isPassword(keys.at(-1))) return HIDDEN;
  if (typeof value === "number") {
    const written = isScalar(node) && Object.is(node.value, value) ? node.source : undefined;
    return written ?? String(value);
  }
  const above = new Set<unknown>();
  const show = (part: unknown): unknown => {
    if (typeof part === "number") return Number.isFinite(part) ? part : String(part);
    if (typeof part !== "object" || part === null) return part;
    // An anchor may hold an alias to itself.
    if (above.has(part)) return "...";
    above.add(part);
    const shown = Array.isArray(part)
      ? part.map(show)
      : Object.fromEntries(
          Object.entries(part).map(([key, inner]) => [key, isPassword(key) ? HIDDEN : show(inner)]),
        );
    above.delete(part);
    return shown;
  };
  return JSON.stringify(show(value));
}

function isPassword(key: PropertyKey | undefined): boolean {
  return /password$/i.test(String(key ?? ""));
}

function formatPath(keys: readonly PropertyKey[]): string {
  if (keys.length === 0) return "the configuration";
  return keys.reduce<string>(
    (text, key) =>
      typeof key === "number" ? `${text}[${key}]` : text === "" ? String(key) : `${text}.${String(key)}`,
    "",
  );
}

/** Where in the text the last of the keys stands, or as far down as the text goes, and its value if it is there. */
function findKey(
  contents: unknown,
  keys: readonly PropertyKey[],
): { offset: number | undefined; node: unknown } {
  let node: unknown = contents;
  let offset = isNode(node) ? node.range?.[0] : undefined;
  for (const key of keys) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (pair === undefined) return { offset, node: undefined };
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value;
    } else {
      node = (node as { get?: (key: unknown, keep: boolean) => unknown } | null)?.get?.(key, true);
      if (!isNode(node)) return { offset, node: undefined };
      offset = node.range?.[0] ?? offset;
    }
  }
  return { offset, node };
}
