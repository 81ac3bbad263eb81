import { readFileSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { Store } from "../../rig/centre/store.js";
import { answersTo, startWebServer } from "../../rig/centre/web-server.js";
import { lampReport } from "../support/reports.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

const START_MS = Date.UTC(2026, 0, 1);

async function serve() {
  const { store } = Store.open(temporaryDirectory());
  for (const [meter, sequence] of [
    ["main", 1],
    ["main", 2],
    ["neighbour", 1],
  ] as const) {
    store.insert({
      ...lampReport({ sequence, endMs: START_MS + sequence * 10_000 }),
      meter,
      via: null,
      delayed: sequence === 2,
      receivedMs: START_MS + sequence * 10_000 + 40,
      start: 1,
      digest: new Uint8Array(32).fill(sequence),
    });
  }
  const meters = ["main", "neighbour", "silent"];
  const web = await startWebServer({
    host: "127.0.0.1",
    port: 0,
    site: "lab-1",
    meters,
    reportEveryMs: 10_000,
    store,
  });
  onTestFinished(async () => {
    await web.stop();
    store.close();
  });
  return web;
}

/** The status of GET /api/meters with that Host header, which fetch lets nobody choose. */
async function statusFor(port: number, name: string): Promise<number> {
  const socket = createConnection({ host: "127.0.0.1", port });
  socket.end(`GET /api/meters HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`);
  let text = "";
  for await (const bytes of socket) text += bytes;
  return Number(text.split(" ")[1]);
}

const get = async (url: string) => {
  const answer = await fetch(url);
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};

describe("the web server", () => {
  it("serves the page and its three files, which ask for nothing from outside", async () => {
    const { url } = await serve();
    for (const [file, type] of [
      ["", "text/html"],
      ["page.css", "text/css"],
      ["page.js", "text/javascript"],
      ["icon.svg", "image/svg+xml"],
    ]) {
      const answer = await fetch(url + file);
      expect([answer.status, answer.headers.get("content-type")?.split(";")[0]]).toEqual([200, type]);
      const text = (await answer.text()).replace("http://www.w3.org/2000/svg", "");
      expect(text).not.toMatch(/https?:|\/\/[a-z]+\.|<script>|style="|onclick/);
      const policy = answer.headers.get("content-security-policy");
      expect(policy).toContain("default-src 'none'");
      expect(policy).not.toMatch(/unsafe|\*/);
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    }
    expect(readFileSync("rig/centre/page/page.js", "utf8")).not.toMatch(
      /innerHTML|insertAdjacentHTML|document\.write|eval\(/,
    );
  });

  it("lists the meters in the order of the configuration with the latest report of each", async () => {
    const { url } = await serve();
    const { status, body } = await get(`${url}api/meters`);
    expect([status, body.site, body.reportEveryMs]).toEqual([200, "lab-1", 10_000]);
    expect(body.meters).toMatchObject([
      {
        meter: "main",
        latest: {
          sequence: 2,
          delayed: true,
          currentA: 0.43481,
          measuredAt: "2026-01-01T00:00:20.000Z",
          receivedAt: "2026-01-01T00:00:20.040Z",
        },
      },
      { meter: "neighbour", latest: { sequence: 1, delayed: false } },
      { meter: "silent", latest: null },
    ]);
  });

  it.each([
    ["", ["main 2", "neighbour 1", "main 1"]],
    ["?meter=main", ["main 2", "main 1"]],
    ["?meter=main&limit=1", ["main 2"]],
    ["?from=2026-01-01T00:00:11Z", ["main 2"]],
    ["?to=1767225619999&meter=neighbour", ["neighbour 1"]],
    ["?meter=silent", []],
  ])("answers /api/reports%s", async (query, expected) => {
    const { url } = await serve();
    const { status, body } = await get(`${url}api/reports${query}`);
    expect(status).toBe(200);
    const reports = body.reports as { meter: string; sequence: number }[];
    expect(reports.map(({ meter, sequence }) => `${meter} ${sequence}`).sort()).toEqual([...expected].sort());
  });

  it.each([
    ["?from=yesterday", 400, "from"],
    ["?from=2026-13-01", 400, "from"],
    ["?from=-1", 400, "from"],
    ["?to=", 400, "to"],
    ["?limit=0", 400, "limit"],
    ["?limit=10001", 400, "limit"],
    ["?limit=1.5", 400, "limit"],
    ["?limit=1&limit=2", 400, "limit"],
    ["?sort=asc", 400, "sort"],
    ["?meter=stranger", 404, "meter"],
    ["?meter='; DROP TABLE reports; --", 404, "meter"],
  ])("refuses /api/reports%s with %i, naming %s", async (query, status, field) => {
    const { url } = await serve();
    const answer = await get(`${url}api/reports${query}`);
    expect(answer).toMatchObject({
      status,
      body: { field, error: expect.stringContaining(status === 404 ? "main, neighbour" : field) },
    });
  });

  it.each<[number, string]>([
    [200, "localhost"],
    [200, "LOCALHOST:8080"],
    [200, "127.0.0.1:8080"],
    [200, "192.168.1.20"],
    [200, "[::1]:8080"],
    [421, "rebound.example:8080"],
    [421, "localhost.rebound.example"],
    [421, "127.0.0.1.rebound.example"],
    [421, "127.0.0.1@rebound.example"],
    [421, "[rebound.example]"],
    [421, ""],
  ])("answers %i to the host %j, which a stranger's name may lead here", async (status, name) => {
    const { port } = await serve();
    expect(await statusFor(port, name)).toBe(status);
  });

  it("answers to the name that it is configured with", () => {
    expect(
      ["bench.lan", "Bench.LAN", "other.lan", "lan"].map((name) => answersTo(name, "bench.lan")),
    ).toEqual([true, true, false, false]);
  });

  it("answers 404 to anything else", async () => {
    const { url } = await serve();
    for (const path of ["centre.db", "../package.json", "..%2fpackage.json", "api"]) {
      expect((await get(url + path)).status).toBe(404);
    }
  });

  it("names the port that is taken and the key to change", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void other.close());
    const { port } = other.address() as { port: number };
    const { store } = Store.open(temporaryDirectory());
    await expect(
      startWebServer({ host: "127.0.0.1", port, site: "lab-1", meters: [], reportEveryMs: 10_000, store }),
    ).rejects.toMatchObject({
      code: "web/taken",
      message: expect.stringContaining(`127.0.0.1:${port}`),
      hint: expect.stringContaining("centre.web.port"),
    });
    store.close();
  });
});
