import { defineConfig } from "vitest/config";

const shared = { testTimeout: 20_000, hookTimeout: 20_000 };

// biome-ignore lint/style/noDefaultExport: vitest reads its configuration from the default export
export default defineConfig({
  test: {
    root: ".",
    projects: [
      {
        test: {
          ...shared,
          name: "units",
          root: ".",
          include: ["test/**/*.test.ts"],
          exclude: ["test/journeys/**"],
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Whole rigs in real time: after everything else and one at a time, so that the machine keeps up with them.
        test: {
          ...shared,
          name: "journeys",
          root: ".",
          include: ["test/journeys/**/*.test.ts"],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
