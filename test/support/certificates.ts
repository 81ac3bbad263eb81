/**
 * Certificates made when a test needs them, so that no key lies about: X.509 v3 with ECDSA P-256 and SHA-256, in DER by hand.
 * Source: RFC 5280, section 4.1 (the fields), 4.2.1.6 and 4.2.1.9 (the extensions); X.690 (DER).
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIPv4 } from "node:net";

export interface Certificate {
  /** PEM. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
  readonly name: string;
}

export interface CertificateOptions {
  /** Common name of whom it is for. */
  readonly name: string;
  /** DNS names and IPv4 addresses that it is good for. */
  readonly hosts?: readonly string[];
  /** Who signs it; left out: itself. */
  readonly by?: Certificate;
  /** Whether it may sign others. */
  readonly authority?: boolean;
  readonly notAfter?: Date;
}

const VALID_FROM = new Date(Date.UTC(2020, 0, 1));
const VALID_TO = new Date(Date.UTC(2049, 0, 1));

export function makeCertificate(options: CertificateOptions): Certificate {
  const { name, hosts = [], by, authority = false, notAfter = VALID_TO } = options;
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const signer: KeyObject = by === undefined ? privateKey : createPrivateKey(by.key);
  const ecdsaWithSha256 = sequence(oid("2a8648ce3d040302"));
  const names = hosts.map((host) =>
    isIPv4(host) ? tagged(0x87, Buffer.from(host.split(".").map(Number))) : tagged(0x82, Buffer.from(host)),
  );
  const extensions = [
    sequence(oid("551d13"), boolean(true), octets(authority ? sequence(boolean(true)) : sequence())),
    ...(names.length > 0 ? [sequence(oid("551d11"), octets(sequence(...names)))] : []),
  ];
  const toBeSigned = sequence(
    tagged(0xa0, integer(Buffer.of(2))), // v3
    integer(Buffer.concat([Buffer.of(1), randomBytes(8)])),
    ecdsaWithSha256,
    distinguishedName(by?.name ?? name),
    sequence(utcTime(VALID_FROM), utcTime(notAfter)),
    distinguishedName(name),
    publicKey.export({ type: "spki", format: "der" }),
    tagged(0xa3, sequence(...extensions)),
  );
  const signature = sign("sha256", toBeSigned, signer);
  const der = sequence(toBeSigned, ecdsaWithSha256, tagged(0x03, Buffer.concat([Buffer.of(0), signature])));
  const lines = der
    .toString("base64")
    .match(/.{1,64}/g)!
    .join("\n");
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    name,
  };
}

function tagged(tag: number, contents: Uint8Array): Buffer {
  const { length } = contents;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), contents]);
}

const sequence = (...parts: Uint8Array[]) => tagged(0x30, Buffer.concat(parts));
const integer = (bytes: Buffer) => tagged(0x02, bytes);
const boolean = (value: boolean) => tagged(0x01, Buffer.of(value ? 0xff : 0));
const octets = (bytes: Buffer) => tagged(0x04, bytes);
const oid = (hex: string) => tagged(0x06, Buffer.from(hex, "hex"));
const utcTime = (date: Date) =>
  tagged(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, "").slice(2, 14)}Z`));
const distinguishedName = (name: string) =>
  sequence(tagged(0x31, sequence(oid("550403"), tagged(0x0c, Buffer.from(name)))));
