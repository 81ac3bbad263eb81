/** Finds the project's own files (config, page, package.json), whether it runs compiled from .build or from its sources. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** Absolute path of a file of the project, such as projectFile("config", "virtual.yaml"). */
export function projectFile(...parts: string[]): string {
  let directory = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(directory, "package.json"))) {
    const parent = path.dirname(directory);
    if (parent === directory) throw new Error(`package.json is not above ${fileURLToPath(import.meta.url)}`);
    directory = parent;
  }
  return path.join(directory, ...parts);
}

/** Version of the project, as in package.json. */
export function projectVersion(): string {
  return (JSON.parse(readFileSync(projectFile("package.json"), "utf8")) as { version: string }).version;
}
