/** Addresses of TCP device servers as people write them: "tcp://127.0.0.1:2323", "tcp://[::1]:2323". */
export interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

/** Whether the host, in lower case and without brackets, is this computer itself. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** @returns undefined if the text is no such address */
export function parseTcpAddress(text: string): TcpAddress | undefined {
  const match = /^tcp:\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port < 1 || port > 65_535) return undefined;
  return { host: match[1]!.replace(/^\[|\]$/g, ""), port };
}
