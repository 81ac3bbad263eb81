/**
 * The tree is the picture: folders stand in the order of the flow and import only what this table allows.
 * A stage never imports the next, the virtual bench never imports a driver, and a library has one home.
 */
import { spawnSync } from "node:child_process";
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
  modem: { folders: ["core"], packages: ["zod"] },
  uplink: { folders: ["core"], packages: ["mqtt"] },
  centre: { folders: ["core", "seal"], packages: ["aedes", "fastify", "libsql", "mqtt"] },
  dashboard: { folders: ["core"], packages: ["blessed", "blessed-contrib"] },
  // avrgirl-arduino for the firmware file that it carries.
  virtual: { folders: ["core"], packages: ["avr8js", "avrgirl-arduino"] },
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
  .filter((file) => /\.(ts|mjs|js)$/.test(file))
  .map((file) => ({ file, folder: file.split("/")[1]!, text: readFileSync(file, "utf8") }));

const packages = Object.entries(JSON.parse(readFileSync("package.json", "utf8")) as object).flatMap(
  ([key, value]) => (/^(d|devD)ependencies$/.test(key) ? Object.keys(value as object) : []),
);

/** Specifiers of modules and files of static, dynamic and re-exporting imports, of require, resolve and URLs. */
function imports(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const imported = code.matchAll(
    /^(?:import\s+|(?:import|export)\b[^;:=("']*?\bfrom\s+)["']([^"']+)["']|(?<![#.\w])(?:import|require(?:\.resolve)?)\s*\(\s*["'`]([^"'`]+)["'`]/gm,
  );
  const files = code.matchAll(/\bnew URL\(\s*["'`]([^"'`:]+)["'`]\s*,\s*import\.meta\.url/g);
  // Whoever makes a `require` may give it any name and any constant: every text that names a package or a file counts.
  const resolves = /\bcreateRequire\b|\brequire\.resolve\b|\bimport\.meta\.resolve\b/.test(code);
  const texts = resolves ? [...code.matchAll(/["'`]([^"'`\s]+)["'`]/g)].map((match) => match[1]!) : [];
  return [
    ...[...imported].map((match) => match[1] ?? match[2]!),
    ...[...files]
      .map((match) => path.posix.join("./", match[1]!))
      .map((file) => file.replace(/^(?!\.)/, "./")),
    ...texts.filter((found) => /^\.\.?\//.test(found) || packages.includes(packageName(found))),
  ];
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
    // What a run leaves behind is not part of the project; without git everything counts.
    const { status, stdout } = spawnSync("git", ["ls-files"], { encoding: "utf8", maxBuffer: 1e8 });
    const tracked = status === 0 && stdout !== "" ? stdout.trim().split("\n") : readdirSync(".");
    const shown = new Set(tracked.map((file) => file.split("/")[0]!));
    const visible = [...shown].filter((name) => !name.startsWith(".") && name !== "node_modules");
    expect(visible.sort()).toEqual([...TOP_LEVEL].sort());
  });

  it("has only the folders of the flow", () => {
    for (const { file, folder } of sources) expect(Object.keys(ALLOWED), file).toContain(folder);
  });

  it("names files in kebab-case after what they hold", () => {
    for (const { file } of sources) {
      expect(path.basename(file), file).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*(\.d)?\.(ts|mjs|js)$/);
      expect(path.basename(file), file).not.toMatch(/^(utils?|helpers?|common|types|index|misc)\./);
    }
  });

  it("keeps every file below 400 lines", () => {
    for (const { file, text } of sources) expect(text.split("\n").length, file).toBeLessThan(400);
  });
});

describe("imports", () => {
  it.each([
    ['import { z } from "zod";', ["zod"]],
    ['export { z } from "zod";', ["zod"]],
    ['const { z } = await import("zod");', ["zod"]],
    ['createRequire(import.meta.url)("mqtt");', ["mqtt"]],
    ['const load = createRequire(import.meta.url); load("../board/port.cjs");', ["../board/port.cjs"]],
    ['createRequire(import.meta.url).resolve("blessed/usr/xterm");', ["blessed/usr/xterm"]],
    ['const HEX = "avrgirl-arduino/a.hex";\ncreateRequire(url).resolve(HEX);', ["avrgirl-arduino/a.hex"]],
    ['import.meta.resolve("mqtt/package.json");', ["mqtt/package.json"]],
    ['new Worker(new URL("../board/port.js", import.meta.url));', ["../board/port.js"]],
    ['new URL("worker.js", import.meta.url);', ["./worker.js"]],
    ['path.resolve("mqtt"); new URL("http://a/b", import.meta.url);', []],
    ['// import "zod"', []],
  ])("are found in %s", (text, found) => {
    expect(imports(text)).toEqual(found);
  });

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
      // Only the program itself has a clock; the page and the launcher run outside of it.
      if (mayUseTime.includes(file) || !file.endsWith(".ts")) continue;
      const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");
      expect(code, file).not.toMatch(/\bDate\.now\(|\bperformance\.now\(|\bsetInterval\(|\bsetTimeout\(/);
    }
  });
});
