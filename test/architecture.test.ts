/**
 * The tree is the picture: folders stand in the order of the flow and import only what this table allows.
 * A stage never imports the next, the virtual bench never imports a driver, and a library has one home.
 */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

const ALLOWED: Record<string, { folders: string[]; packages: string[] }> = {
  core: { folders: [], packages: ["debug", "yaml", "zod"] },
  board: { folders: ["core"], packages: ["firmata-io", "johnny-five", "serialport"] },
  measure: { folders: ["core"], packages: ["zod"] },
  display: { folders: ["core"], packages: [] },
  seal: { folders: ["core"], packages: [] },
  bypass: { folders: ["core", "seal"], packages: [] },
  route: { folders: ["core", "seal"], packages: [] },
  modem: { folders: ["core"], packages: ["serialport"] },
  uplink: { folders: ["core"], packages: ["mqtt"] },
  centre: { folders: ["core", "seal"], packages: ["aedes", "fastify", "libsql", "mqtt"] },
  dashboard: { folders: ["core"], packages: ["blessed", "blessed-contrib"] },
  virtual: { folders: ["core"], packages: ["avr8js"] },
  apps: {
    folders: [
      "core",
      "board",
      "measure",
      "display",
      "seal",
      "bypass",
      "route",
      "modem",
      "uplink",
      "centre",
      "dashboard",
      "virtual",
    ],
    packages: ["libsql"],
  },
};

const TOP_LEVEL = [
  "CHANGELOG.md",
  "LICENSE",
  "README.md",
  "config",
  "package-lock.json",
  "package.json",
  "rig",
  "sketches",
  "test",
  "tsconfig.json",
];

interface Source {
  file: string;
  folder: string;
  text: string;
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const full = path.posix.join(directory, entry.name);
    return entry.isDirectory() ? filesBelow(full) : [full];
  });
}

const sources: Source[] = filesBelow("rig")
  .filter((file) => file.endsWith(".ts"))
  .map((file) => ({ file, folder: file.split("/")[1]!, text: readFileSync(file, "utf8") }));

/** Module specifiers of static, dynamic and re-exporting imports. */
function imports(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const found = code.matchAll(
    /^(?:import\s+|(?:import|export)\b[^;:=("']*?\bfrom\s+)["']([^"']+)["']|(?<![#.\w])(?:import|require(?:\.resolve)?)\s*\(\s*["']([^"']+)["']/gm,
  );
  return [...found].map((match) => match[1] ?? match[2]!);
}

/** The file a relative import leads to, such as "rig/core/clock.ts". */
function target(source: Source, specifier: string): string {
  return path.posix.join(path.posix.dirname(source.file), specifier).replace(/\.js$/, ".ts");
}

const relative = (specifier: string) => specifier.startsWith(".");
const packageName = (specifier: string) =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

describe("the tree", () => {
  it("has the fixed top level and nothing beside it but dot-files", () => {
    const shown = readdirSync(".").filter((name) => !name.startsWith(".") && name !== "node_modules");
    expect(shown.sort()).toEqual([...TOP_LEVEL].sort());
  });

  it("has only the folders of the flow", () => {
    for (const { file, folder } of sources) expect(Object.keys(ALLOWED), file).toContain(folder);
  });

  it("names files in kebab-case after what they hold", () => {
    for (const { file } of sources) {
      expect(path.basename(file), file).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*(\.d)?\.ts$/);
      expect(path.basename(file), file).not.toMatch(/^(utils?|helpers?|common|types|index|misc)\./);
    }
  });

  it("keeps every file below 400 lines", () => {
    for (const { file, text } of sources) expect(text.split("\n").length, file).toBeLessThan(400);
  });
});

describe("imports", () => {
  it.each(sources)("of $file stay within what its folder may use", (source) => {
    const allowed = ALLOWED[source.folder]!;
    for (const specifier of imports(source.text)) {
      if (specifier.startsWith("node:")) continue;
      if (relative(specifier)) {
        const [top, folder] = target(source, specifier).split("/");
        expect(top, `${source.file} imports ${specifier}`).toBe("rig");
        expect([source.folder, ...allowed.folders], `${source.file} imports ${specifier}`).toContain(folder);
      } else {
        expect(allowed.packages, `${source.file} imports ${specifier}`).toContain(packageName(specifier));
      }
    }
  });

  it("form no circle", () => {
    const edges = new Map(
      sources.map((source) => [
        source.file,
        imports(source.text.replace(/^import type .*$/gm, ""))
          .filter(relative)
          .map((to) => target(source, to)),
      ]),
    );
    const state = new Map<string, "open" | "done">();
    const visit = (file: string, trail: string[]): void => {
      if (state.get(file) === "done") return;
      expect(state.get(file), `circle: ${[...trail, file].join(" -> ")}`).toBeUndefined();
      state.set(file, "open");
      for (const next of edges.get(file) ?? []) visit(next, [...trail, file]);
      state.set(file, "done");
    };
    for (const file of edges.keys()) visit(file, []);
  });
});

describe("code", () => {
  it("has no default exports and no barrels", () => {
    for (const { file, text } of sources) {
      if (file.endsWith(".d.ts")) continue;
      expect(text, file).not.toMatch(/^export default/m);
      expect(text, file).not.toMatch(/^export \* from/m);
    }
  });

  it("takes time from the clock alone", () => {
    const mayUseTime = ["rig/core/clock.ts", "rig/virtual/worker.ts"];
    for (const { file, text } of sources) {
      if (mayUseTime.includes(file)) continue;
      const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");
      expect(code, file).not.toMatch(/\bDate\.now\(|\bperformance\.now\(|\bsetInterval\(|\bsetTimeout\(/);
    }
  });
});
