import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { readAuthorityFile } from "../../rig/core/authority-file.js";
import { makeCertificate } from "../support/certificates.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

describe("the certificate file of the broker's authority", () => {
  it("is read as it is, one certificate or several", () => {
    const file = path.join(temporaryDirectory(), "authority.pem");
    const [one, two] = ["one", "two"].map((name) => makeCertificate({ name, authority: true }).cert);
    for (const text of [one!, `# ours\n${one}${two}`]) {
      writeFileSync(file, text);
      expect(readAuthorityFile(file)).toBe(text);
    }
  });

  it("is refused when it is missing or holds no certificate, and named", () => {
    const directory = temporaryDirectory();
    const [file, missing] = ["authority.pem", "missing.pem"].map((name) => path.join(directory, name)) as [
      string,
      string,
    ];
    const fault = { code: "storage/unreadable", message: expect.stringContaining(missing) };
    expect(() => readAuthorityFile(missing)).toThrow(expect.objectContaining(fault));
    const { cert, key } = makeCertificate({ name: "one" });
    for (const text of ["", "nonsense", key, cert.slice(0, 100)]) {
      writeFileSync(file, text);
      const damaged = { code: "storage/damaged", message: expect.stringContaining(file) };
      expect(() => readAuthorityFile(file), text.slice(0, 30)).toThrow(expect.objectContaining(damaged));
    }
  });

  it.each([
    ["cut off", (cert: string) => cert.slice(0, 200)],
    ["cut off within its last line", (cert: string) => cert.slice(0, -10)],
    ["damaged", (cert: string) => `${cert.slice(0, 100)}!${cert.slice(101)}`],
  ])("is refused when any of its certificates is %s, and says which", (_what, damage) => {
    const file = path.join(temporaryDirectory(), "authority.pem");
    const certs = ["one", "two", "three"].map((name) => makeCertificate({ name, authority: true }).cert);
    for (const bad of [0, 1, 2]) {
      writeFileSync(file, certs.map((cert, index) => (index === bad ? damage(cert) : cert)).join("\n"));
      const message = expect.stringContaining(`number ${bad + 1} of 3`);
      expect(() => readAuthorityFile(file)).toThrow(
        expect.objectContaining({ code: "storage/damaged", message }),
      );
    }
  });
});
