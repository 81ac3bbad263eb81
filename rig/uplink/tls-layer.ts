/**
 * TLS over whatever carries the bytes, a modem's socket as well as the PC's: plain Duplex -> handshake -> Duplex.
 * What one turn of the event loop writes becomes one record and one write below, so an MQTT packet costs 22 bytes more in
 * TLS 1.3 (header 5, content type 1, tag 16; RFC 8446, section 5.2).
 */
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { connect, type TLSSocket } from "node:tls";
import type { Clock } from "../core/clock.js";
import { RigError, UplinkError } from "../core/errors.js";

/** A chain of certificates takes seconds of a line of 960 B/s, and two round trips of GPRS come on top. */
const HANDSHAKE_LIMIT_MS = 60_000;
/** Not the post-quantum groups of newer versions of Node: their keys alone are 2.3 kB, more than two seconds of that line. */
const KEY_EXCHANGES = "X25519:P-256:P-384";

export interface TlsLayerOptions {
  /** The name or address that the certificate must be for. */
  readonly host: string;
  /** Certificates of authorities to trust instead of the well-known ones, PEM. */
  readonly ca?: string;
  /** What to call the broker in messages. */
  readonly broker: string;
  readonly clock: Clock;
}

export class TlsLayer {
  readonly #options: TlsLayerOptions;
  /**
   * The newest that the broker gave: the next handshake needs no certificates then. Not every broker gives a new one each time,
   * so it is used again; that lets a listener see that it is the same rig, as the address does anyway. Never on disk.
   */
  #session: Buffer | undefined;

  constructor(options: TlsLayerOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the broker's certificate has been checked. The stream belongs to the layer from now on: it is destroyed
   * with it.
   * @throws UplinkError "uplink/untrusted" (the certificate), "uplink/no-tls", "uplink/timeout", "uplink/lost", or the
   *   stream's own RigError; the signal's reason. The stream is destroyed then.
   */
  open(stream: Duplex, signal: AbortSignal): Promise<Duplex> {
    const { host, ca, broker, clock } = this.#options;
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        stream.destroy();
        throw signal.reason;
      }
      const secure: TLSSocket = connect({
        socket: stream,
        host,
        ...(isIP(host) === 0 ? { servername: host } : {}), // no addresses in SNI: RFC 6066, section 3
        ...(ca === undefined ? {} : { ca }),
        ...(this.#session === undefined ? {} : { session: this.#session }),
        ecdhCurve: KEY_EXCHANGES,
      });
      const settle = () => {
        cancelLimit();
        signal.removeEventListener("abort", onAbort);
      };
      let opened = false;
      const fail = (reason: unknown) => {
        if (!opened) this.#session = undefined; // it may be what failed
        settle();
        reject(reason);
        secure.destroy();
        stream.destroy();
      };
      const onAbort = () => fail(signal.reason);
      const cancelLimit = clock.after(HANDSHAKE_LIMIT_MS, () => {
        const message = `no TLS connection to ${broker} within ${HANDSHAKE_LIMIT_MS} ms`;
        fail(new UplinkError("uplink/timeout", message, { hint: "check broker.port and the way to it" }));
      });
      signal.addEventListener("abort", onAbort, { once: true });
      // Stays, so that a connection which nobody listens to yet cannot end the process.
      secure.on("error", (cause) => fail(describeFailure(cause, broker, host)));
      secure.once("close", () => fail(describeFailure({ code: "ECONNRESET" }, broker, host)));
      secure.on("session", (session) => {
        this.#session = session;
      });
      secure.once("secureConnect", () => {
        opened = true;
        settle();
        resolve(secure);
      });
    });
  }
}

/** Codes of OpenSSL's certificate checks and of Node. */
function describeFailure(cause: unknown, broker: string, host: string): RigError {
  if (cause instanceof RigError) return cause;
  const { code = "", reason, message } = cause as NodeJS.ErrnoException & { reason?: string };
  const certificate = `the certificate of ${broker}`;
  const untrusted = (problem: string, hint: string) =>
    new UplinkError("uplink/untrusted", `${certificate} ${problem}`, { cause, hint });
  switch (code) {
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
      return untrusted("is signed by itself", "set broker.caFile to a copy of it, if it is the right one");
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
      return untrusted(
        "is signed by an authority that is not trusted here",
        "set broker.caFile to that authority's certificate",
      );
    case "CERT_HAS_EXPIRED":
      return untrusted("has expired", "have it renewed, or set this PC's clock if that is wrong");
    case "CERT_NOT_YET_VALID":
      return untrusted("is not valid yet", "set this PC's clock if that is wrong");
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return untrusted(`is not for ${host} (${reason})`, "set broker.host to a name that it is for");
    case "ECONNRESET":
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
    case "EPROTO":
      return new UplinkError("uplink/no-tls", `${broker} does not speak TLS, or hung up`, {
        cause,
        hint: "set broker.port to its port for TLS, as a rule 8883, or broker.tls to false",
      });
    default:
      return new UplinkError("uplink/lost", `no TLS connection to ${broker}: ${reason ?? message}`, {
        cause,
        hint: "check that the broker runs and can be reached; nothing is lost meanwhile",
      });
  }
}
