/**
 * The centre's page and what it is made from: GET /, /api/meters, /api/reports. Reads the store, changes nothing.
 * The page's files are plain (rig/centre/page) and need nothing from outside, and the policy forbids anything else.
 */
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import fastify, { type FastifyInstance } from "fastify";
import { PortError, StorageError } from "../core/errors.js";
import { projectFile } from "../core/project-root.js";
import type { Store } from "./store.js";
import type { StoredReport } from "./store-schema.js";
import { parseReportQuery } from "./web-query.js";

const PAGE_FILES: readonly [url: string, file: string, type: string][] = [
  ["/", "index.html", "text/html; charset=utf-8"],
  ["/page.css", "page.css", "text/css; charset=utf-8"],
  ["/page.js", "page.js", "text/javascript; charset=utf-8"],
  ["/icon.svg", "icon.svg", "image/svg+xml"],
];

const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

export interface WebServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly site: string;
  /** Ids in the order of the configuration. */
  readonly meters: readonly string[];
  /** report.every of the configuration [ms]; the page calls a meter silent by it. */
  readonly reportEveryMs: number;
  readonly store: Store;
}

export interface WebServer {
  readonly host: string;
  readonly port: number;
  /** Where a browser finds the page. */
  readonly url: string;
  stop(): Promise<void>;
}

/** @throws PortError "web/taken" or "web/unreachable" */
export async function startWebServer(options: WebServerOptions): Promise<WebServer> {
  const { host, port } = options;
  const server = fastify({ forceCloseConnections: true });
  server.addHook("onRequest", async (request, reply) => {
    reply.headers(HEADERS);
    if (answersTo(request.hostname, host)) return;
    const error = `this page is not called ${JSON.stringify(request.hostname)}: use localhost, the address of this machine or centre.web.host`;
    return reply.code(421).send({ error });
  });
  addPage(server);
  addApi(server, options);
  server.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: "there is nothing here" }));
  server.setErrorHandler((error, _request, reply) => {
    const { statusCode } = error as { statusCode?: number };
    if (error instanceof StorageError) return reply.code(503).send({ error: error.message });
    return reply
      .code(statusCode ?? 500)
      .send({ error: statusCode === undefined ? "internal error" : String(error) });
  });
  try {
    await server.listen({ host, port });
  } catch (cause) {
    await server.close();
    const taken = (cause as NodeJS.ErrnoException).code === "EADDRINUSE";
    throw new PortError(
      taken ? "web/taken" : "web/unreachable",
      taken
        ? `cannot serve the centre's page on ${host}:${port}: the port is taken by another program`
        : `cannot serve the centre's page on ${host}:${port}: ${(cause as Error).message}`,
      { cause, hint: `change centre.web.${taken ? "port (0: any free one)" : "host or centre.web.port"}` },
    );
  }
  const address = server.server.address();
  const bound = typeof address === "object" && address !== null ? address.port : port;
  return {
    host,
    port: bound,
    url: `http://${formatHost(host)}:${bound}/`,
    stop: () => server.close(),
  };
}

/**
 * Any other name may be a stranger's that he lets point to this machine, so that his page in a browser here could read ours (DNS
 * rebinding); an address cannot be let point elsewhere.
 * @param hostname of the Host header, without the port; IPv6 in brackets
 */
export function answersTo(hostname: string, configured: string): boolean {
  const name = hostname.toLowerCase();
  return (
    name === configured.toLowerCase() || name === "localhost" || isIP(name.replace(/^\[(.*)\]$/, "$1")) !== 0
  );
}

function addPage(server: FastifyInstance): void {
  for (const [url, file, type] of PAGE_FILES) {
    const contents = readFileSync(projectFile("rig", "centre", "page", file));
    server.get(url, (_request, reply) => reply.type(type).send(contents));
  }
}

function addApi(server: FastifyInstance, { site, meters, reportEveryMs, store }: WebServerOptions): void {
  server.get("/api/meters", () => ({
    site,
    reportEveryMs,
    meters: meters.map((meter) => {
      const latest = store.latest(meter);
      return { meter, latest: latest === undefined ? null : present(latest) };
    }),
  }));
  server.get("/api/reports", (request, reply) => {
    const query = parseReportQuery(request.query as Record<string, unknown>);
    if ("error" in query) return reply.code(400).send(query);
    const { meter, fromMs, toMs, limit } = query;
    if (meter !== null && !meters.includes(meter)) {
      const error = `there is no meter ${JSON.stringify(meter)}: the meters are ${meters.join(", ")}`;
      return reply.code(404).send({ field: "meter", error });
    }
    return reply.send({ reports: store.range(meter, fromMs, toMs, limit).map(present) });
  });
}

/** A report as JSON, with times that people can read. */
function present({ endMs, receivedMs, ...report }: StoredReport) {
  return {
    ...report,
    measuredAt: new Date(endMs).toISOString(),
    receivedAt: new Date(receivedMs).toISOString(),
  };
}

/** The host of a URL: IPv6 in brackets, "any address" as this machine. */
function formatHost(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
