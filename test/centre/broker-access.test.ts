import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { brokerAccess } from "../../rig/centre/centre.js";
import { makeCertificate } from "../support/certificates.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

describe("the way to another broker", () => {
  const plain = { host: "broker.example", port: 8883, listen: 0, tls: false };

  it("has TLS where it is configured, by the well-known authorities or by the one in the file", () => {
    const caFile = path.join(temporaryDirectory(), "authority.pem");
    const { cert } = makeCertificate({ name: "lab authority", authority: true });
    writeFileSync(caFile, cert);
    const reached = { host: "broker.example", port: 8883 };
    expect(brokerAccess(plain)).toEqual(reached);
    expect(brokerAccess({ ...plain, tls: true })).toEqual({ ...reached, tls: {} });
    expect(brokerAccess({ ...plain, tls: true, caFile })).toEqual({ ...reached, tls: { ca: cert } });
  });

  it("is not made with a file that holds no certificate", () => {
    const caFile = path.join(temporaryDirectory(), "missing.pem");
    const fault = { code: "storage/unreadable", message: expect.stringContaining(caFile) };
    expect(() => brokerAccess({ ...plain, tls: true, caFile })).toThrow(expect.objectContaining(fault));
  });
});
