import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AtReader, type WireElement } from "../../rig/modem/at-reader.js";

const bytesOf = (text: string) => Buffer.from(text, "latin1");

/** Elements as text: `line`, "prompt", [payload], {stray}. */
function read(reader: AtReader, text: string | Uint8Array): string[] {
  return shown(reader.feed(typeof text === "string" ? bytesOf(text) : text));
}

function shown(elements: readonly WireElement[]): string[] {
  return elements.map((element) => {
    if (element.type === "line") return element.text;
    if (element.type === "prompt") return "prompt";
    const text = Buffer.from(element.bytes).toString("latin1");
    return element.type === "payload" ? `[${text}]` : `{${text}}`;
  });
}

/** A prompt and 1460 bytes of a pull may come. */
function armed(): AtReader {
  const reader = new AtReader();
  reader.expect({ prompt: true, pullsUpToBytes: 1460 });
  return reader;
}

describe("AtReader", () => {
  it("takes lines from between CR LF and drops empty ones", () => {
    expect(read(new AtReader(), "\r\n+CSQ: 20,0\r\n\r\nOK\r\n")).toEqual(["+CSQ: 20,0", "OK"]);
  });

  it("ends the echo of a command at its lone CR", () => {
    expect(read(new AtReader(), "AT+CSQ\r\r\n+CSQ: 20,0\r\n")).toEqual(["AT+CSQ", "+CSQ: 20,0"]);
  });

  it("lets the boot noise 00 49 49 49 49 FF FF FF FF spoil nothing after it", () => {
    const noise = Buffer.from("0049494949ffffffff", "hex");
    expect(read(new AtReader(), Buffer.concat([noise, bytesOf("\r\nRDY\r\n")]))).toEqual([
      "{\0}",
      "{IIII\xff\xff\xff\xff}",
      "RDY",
    ]);
  });

  it("drops garbage before a line, and a line with garbage in it as a whole", () => {
    expect(read(new AtReader(), "\xfe\xffOK\r\n+CSQ: 2\xb0,0\r\nOK\r\n")).toEqual([
      "{\xfe\xff}",
      "OK",
      "{+CSQ: 2\xb0,0}",
      "OK",
    ]);
  });

  it("gives up a line of more than 1024 bytes and takes the next", () => {
    const elements = read(new AtReader(), `${"x".repeat(5000)}\r\nOK\r\n`);
    expect(elements.at(-1)).toBe("OK");
    const stray = elements.slice(0, -1);
    expect(stray.every((text) => /^\{x+\}$/.test(text))).toBe(true);
    expect(stray.join("").replace(/[{}]/g, "")).toBe("x".repeat(5000));
    expect(read(new AtReader(), `${"x".repeat(1024)}\r\n`)).toEqual(["x".repeat(1024)]);
  });

  describe("a prompt", () => {
    it.each(["\r\n> ", "\r\n>", "\r\n+CREG: 1\r\n\r\n> "])("is told without a line's end: %j", (text) => {
      expect(read(armed(), text).at(-1)).toBe("prompt");
    });

    it("has at most one space, which is not part of the next line", () => {
      expect(read(armed(), "\r\n> \r\nSEND OK\r\n")).toEqual(["prompt", "SEND OK"]);
      expect(read(armed(), "\r\n>\r\nSEND OK\r\n")).toEqual(["prompt", "SEND OK"]);
      expect(read(armed(), "\r\n>  x\r\n")).toEqual(["prompt", " x"]);
    });

    it("comes once, at the start of a line, and only when it may", () => {
      expect(read(armed(), "\r\n> > x\r\n")).toEqual(["prompt", "> x"]);
      expect(read(armed(), "a> \r\n")).toEqual(["a> "]);
      expect(read(new AtReader(), "\r\n> \r\nOK\r\n")).toEqual(["> ", "OK"]);
    });
  });

  describe("counted payload", () => {
    it.each([
      ["+CIPRXGET: 2,7,0", "\r\n"],
      ["+CIPRXGET:2,7,1116", "\r\n"],
      ["+IPD,7:", ""],
      ["+IPD,7,TCP:", ""],
    ])("follows %s and is never read as lines", (header, end) => {
      expect(read(armed(), `\r\n${header}${end}\r\nRDY\r\n\r\nOK\r\n`)).toEqual([
        header,
        "[\r\nRDY\r\n]",
        "OK",
      ]);
    });

    it("may begin with LF and hold every byte", () => {
      const all = Uint8Array.from({ length: 256 }, (_, byte) => (byte + 10) % 256);
      const text = Buffer.concat([bytesOf("\r\n+CIPRXGET: 2,256,0\r\n"), all, bytesOf("\r\nOK\r\n")]);
      expect(read(armed(), text)).toEqual([
        "+CIPRXGET: 2,256,0",
        `[${Buffer.from(all).toString("latin1")}]`,
        "OK",
      ]);
    });

    it.each([
      "+CIPRXGET: 2,0,0",
      "+CIPRXGET: 2,1461,0",
      "+CIPRXGET: 2,99999,0",
      "+CIPRXGET: 2,-5,0",
      "+CIPRXGET: 2,5",
      "+CIPRXGET: 4,5",
      "+CIPRXGET: 1",
      "+IPD,0:",
      "+IPD,1461:",
      "+IPD,:",
      "x+IPD,5:",
    ])("does not follow %s, after which a line is a line", (header) => {
      expect(read(armed(), `\r\n${header}\r\n\r\nOK\r\n`)).toEqual([header, "OK"]);
    });

    it("is not more than was asked for, and does not follow a header that nobody asked for", () => {
      const reader = new AtReader();
      expect(read(reader, "\r\n+CIPRXGET: 2,5,0\r\nOK\r\n")).toEqual(["+CIPRXGET: 2,5,0", "OK"]);
      reader.expect({ prompt: false, pullsUpToBytes: 4 });
      expect(read(reader, "\r\n+CIPRXGET: 2,5,0\r\nOK\r\n")).toEqual(["+CIPRXGET: 2,5,0", "OK"]);
      expect(read(reader, "\r\n+CIPRXGET: 2,4,0\r\nabcd")).toEqual(["+CIPRXGET: 2,4,0", "[abcd]"]);
      expect(read(reader, "\r\n+CIPRXGET: 2,4,0\r\nOK\r\n")).toEqual(["+CIPRXGET: 2,4,0", "OK"]);
    });

    it("whose bytes were lost can be given up, and the next line is one", () => {
      const reader = armed();
      expect(read(reader, "\r\n+CIPRXGET: 2,10,0\r\nabc\r\nOK\r\n")).toEqual(["+CIPRXGET: 2,10,0"]);
      expect(reader.inPayload).toBe(true);
      expect(shown(reader.abandonPayload())).toEqual(["{abc\r\nOK\r\n}"]);
      expect(reader.inPayload).toBe(false);
      expect(shown(reader.abandonPayload())).toEqual([]);
      expect(read(reader, "\r\nOK\r\n")).toEqual(["OK"]);
    });
  });

  /** What a modem may say, with some noise. */
  const piece = fc.oneof(
    fc.constantFrom(
      "\r\nOK\r\n",
      "\r\nERROR\r\n",
      "\r\n> ",
      ">",
      "\r",
      "\n",
      "\r\nRDY\r\n",
      "\r\n+CREG: 1\r\n",
    ),
    fc.constantFrom(
      "\r\n+CIPRXGET: 2,12,3\r\n",
      "\r\n+CIPRXGET: 1\r\n",
      "+IPD,3:",
      "\r\n+IPD,20,TCP:",
      "AT\r",
    ),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
  );
  const stream = fc.array(piece, { maxLength: 30 }).map((pieces) => bytesOf(pieces.join("")));

  it("gives the same elements however the bytes are cut", () => {
    fc.assert(
      fc.property(stream, fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 60 }), (bytes, cuts) => {
        const whole = shown(armed().feed(bytes));
        const reader = armed();
        const parts: string[] = [];
        let at = 0;
        for (const cut of cuts) {
          parts.push(...shown(reader.feed(bytes.subarray(at, at + cut))));
          at += cut;
        }
        parts.push(...shown(reader.feed(bytes.subarray(at))));
        expect(parts).toEqual(whole);
      }),
      { numRuns: 500 },
    );
  });

  it("loses no byte: all are in an element, but line ends and the space after a prompt", () => {
    fc.assert(
      fc.property(stream, (bytes) => {
        const reader = armed();
        const elements = [...reader.feed(bytes), ...reader.abandonPayload(), ...reader.feed(bytesOf("\r"))];
        const plain = (text: string) => text.replace(/[\r\n >]/g, "");
        const out = elements.map((element) => {
          if (element.type === "line") return element.text;
          return element.type === "prompt" ? ">" : Buffer.from(element.bytes).toString("latin1");
        });
        expect(plain(out.join(""))).toBe(plain(bytes.toString("latin1")));
      }),
      { numRuns: 500 },
    );
  });

  it("reads the clean line after any noise that is not counted payload", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), (noise) => {
        const reader = new AtReader();
        reader.feed(noise);
        if (!reader.inPayload) expect(read(reader, "\r\nOK\r\n").at(-1)).toBe("OK");
      }),
      { numRuns: 300 },
    );
  });
});
