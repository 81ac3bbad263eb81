/** Limits and hex from 3GPP TS 23.038 and 23.040; answers as the SIM900 AT Command Manual V1.03, chapter 4, prints them. */
import { describe, expect, it } from "vitest";
import { ModemError } from "../../rig/core/errors.js";
import type { SmsEvent } from "../../rig/core/events.js";
import { encodeMessage, Messages, prepareMessages } from "../../rig/modem/messages.js";
import { type Answer, AnsweringPort } from "./answering-port.js";

const NUMBER = "+4915112345678";
const NUMBER_UCS2 = "002B0034003900310035003100310032003300340035003600370038";

/** Places of the SIM's store: header fields and text, as said in UCS2. */
type Places = Record<number, { readonly header: string; readonly text: string }>;

const received = (text: string, status = "REC UNREAD") => ({
  header: `"${status}","${NUMBER_UCS2}","","26/11/24,12:00:00+04"`,
  text: Array.from(Buffer.from(text, "utf16le").swap16(), (byte) => byte.toString(16).padStart(2, "0"))
    .join("")
    .toUpperCase(),
});

function setUp(options: { places?: Places; total?: number; answer?: (text: string) => Answer | undefined }) {
  const { places = {}, total = 20 } = options;
  const port = new AnsweringPort((text) => {
    const own = options.answer?.(text);
    if (own !== undefined) return own;
    const [, verb, index] = /^AT\+(CMG[RD])=(\d+)$/.exec(text) ?? [];
    if (verb === "CMGR") {
      const place = places[Number(index)];
      return place === undefined ? ["OK"] : [`+CMGR: ${place.header}`, place.text, "OK"];
    }
    if (verb === "CMGD") delete places[Number(index)];
    if (text.startsWith("AT+CPMS")) {
      const used = `${Object.keys(places).length},${total}`;
      return [`+CPMS: ${used},${used},${used}`, "OK"];
    }
    if (text.startsWith("AT+CMGS")) return [">", "+CMGS: 17", "OK"];
    return ["OK"];
  });
  const events: SmsEvent[] = [];
  const messages = new Messages({
    port,
    emit: (event) => void (event.event === "sms" && events.push(event)),
  });
  return { port, events, messages, places };
}

describe("a message's encoding", () => {
  it("is the GSM alphabet for 160 of its characters, and no more", () => {
    expect(encodeMessage("a".repeat(160))).toEqual({
      characterSet: "GSM",
      body: Uint8Array.from(Buffer.from("a".repeat(160))),
    });
    expect(() => encodeMessage("a".repeat(161))).toThrow(
      expect.objectContaining({
        code: "modem/message-too-long",
        message: "a message of 161 characters, where 160 fit",
      }),
    );
  });

  it("has @ as 00 and $ as 02", () => {
    expect(encodeMessage("@$")).toEqual({ characterSet: "GSM", body: Uint8Array.of(0, 2) });
  });

  it("is UCS2 for 70 units with a character that the alphabet lacks, and no more", () => {
    const { characterSet, body } = encodeMessage("Ж".repeat(70));
    expect(characterSet).toBe("UCS2");
    expect(Buffer.from(body).toString()).toBe("0416".repeat(70));
    expect(() => encodeMessage("Ж".repeat(71))).toThrow(
      expect.objectContaining({ code: "modem/message-too-long" }),
    );
    // An emoji is two units.
    expect(() => encodeMessage("😀".repeat(36))).toThrow(/72 characters of UCS2/);
  });

  // At the prompt: 08 edits, 0D prompts again, 1A sends, 1B cancels.
  it.each([
    ["ò", "00F2"],
    ["\r", "000D"],
    ["Ξ", "039E"],
    ["€", "20AC"],
    ["[", "005B"],
  ])("is UCS2 for %j, whose byte in the GSM alphabet cannot be typed", (text, hex) => {
    const { characterSet, body } = encodeMessage(text);
    expect([characterSet, Buffer.from(body).toString()]).toEqual(["UCS2", hex]);
  });
});

describe("preparing for messages", () => {
  it("sets text mode, character set, storage and indications anew", async () => {
    const { port } = setUp({});
    await prepareMessages(port);
    expect(port.sent).toEqual(["AT+CMGF=1", 'AT+CSCS="GSM"', 'AT+CPMS="SM","SM","SM"', "AT+CNMI=2,1,0,0,0"]);
  });
});

describe("sending", () => {
  it("writes the text at the prompt, Ctrl-Z after it, and gives the reference", async () => {
    const { port, messages, events } = setUp({});
    expect(await messages.send(NUMBER, "meter@main: 5$")).toBe(17);
    expect(port.sent).toEqual([
      'AT+CSCS="GSM"',
      "AT+CSMP=17,167,0,0",
      `AT+CMGS="${NUMBER}"|meter<00>main: 5<02><1a>`,
    ]);
    expect(events).toEqual([{ event: "sms", direction: "sent", number: NUMBER, text: "meter@main: 5$" }]);
  });

  it("has text and number as hex in UCS2, and sets GSM again", async () => {
    const { port, messages } = setUp({});
    await messages.send(NUMBER, "Жà");
    expect(port.sent).toEqual([
      'AT+CSCS="UCS2"',
      "AT+CSMP=17,167,0,8",
      `AT+CMGS="${NUMBER_UCS2}"|041600E0<1a>`,
      'AT+CSCS="GSM"',
    ]);
  });

  it("sets GSM again when UCS2 fails", async () => {
    const { port, messages } = setUp({
      answer: (text) =>
        text.startsWith("AT+CMGS") ? new ModemError("modem/timeout", "no answer") : undefined,
    });
    await expect(messages.send(NUMBER, "Ж")).rejects.toMatchObject({ code: "modem/timeout" });
    expect(port.sent.at(-1)).toBe('AT+CSCS="GSM"');
  });

  it("sends a refused message only once, and says why it failed", async () => {
    const { port, messages, events } = setUp({
      answer: (text) => (text.startsWith("AT+CMGS") ? [">", "+CMS ERROR: 331"] : undefined),
    });
    await expect(messages.send(NUMBER, "hello")).rejects.toMatchObject({ code: "modem/refused" });
    expect(port.sent.filter((text) => text.startsWith("AT+CMGS"))).toHaveLength(1);
    expect(events).toMatchObject([{ direction: "failed", number: NUMBER, text: "hello" }]);
    expect(events[0]!.detail).toContain("no network service");
  });

  it("sends a message that is not answered only once: it may have been sent", async () => {
    const { port, messages, events } = setUp({
      answer: (text) =>
        text.startsWith("AT+CMGS") ? new ModemError("modem/timeout", "no answer") : undefined,
    });
    await expect(messages.send(NUMBER, "hello")).rejects.toMatchObject({ code: "modem/timeout" });
    expect(port.sent.filter((text) => text.startsWith("AT+CMGS"))).toHaveLength(1);
    expect(events).toMatchObject([{ direction: "failed", detail: "no answer" }]);
  });

  it("refuses what is too long, and says so as an event", async () => {
    const { port, messages, events } = setUp({});
    await expect(messages.send(NUMBER, "a".repeat(161))).rejects.toMatchObject({
      code: "modem/message-too-long",
    });
    expect(port.sent).toEqual([]);
    expect(events).toMatchObject([{ direction: "failed" }]);
  });

  it.each(['1"\rAT+CPOWD=1', "12", "", "+", "0123456789012345", "12a"])(
    "takes no number %j",
    async (number) => {
      const { port, messages } = setUp({});
      await expect(messages.send(number, "hello")).rejects.toThrow(RangeError);
      expect(port.sent).toEqual([]);
    },
  );

  it("lets no command come between a character set and what needs it", async () => {
    const { port, messages } = setUp({});
    await Promise.all([
      messages.send(NUMBER, "Ж"),
      port.run({ text: "AT+COPS?", timeoutMs: 1, match: () => () => ({ kind: "done", value: null }) }),
      messages.send(NUMBER, "a"),
      messages.receive(3),
    ]);
    expect(port.sent.map((text) => text.slice(0, 14))).toEqual([
      'AT+CSCS="UCS2"',
      "AT+CSMP=17,167",
      'AT+CMGS="002B0',
      'AT+CSCS="GSM"',
      "AT+COPS?",
      'AT+CSCS="GSM"',
      "AT+CSMP=17,167",
      'AT+CMGS="+4915',
      'AT+CSCS="UCS2"',
      "AT+CMGR=3",
      'AT+CSCS="GSM"',
    ]);
  });

  it.each(['AT+CSCS="UCS2"', "AT+CSMP=17,167,0,8"])(
    "sends nothing where %s is refused, and says why",
    async (setting) => {
      const { port, messages, events } = setUp({
        answer: (text) => (text === setting ? ["+CMS ERROR: 303"] : undefined),
      });
      await expect(messages.send(NUMBER, "Ж")).rejects.toMatchObject({
        code: "modem/refused",
        message: expect.stringContaining(setting),
      });
      expect(port.sent.filter((text) => text.startsWith("AT+CMGS"))).toEqual([]);
      expect(port.sent.at(-1)).toBe('AT+CSCS="GSM"');
      expect(events).toMatchObject([{ direction: "failed" }]);
    },
  );

  it("sets GSM again when it is given up", async () => {
    const giveUp = new AbortController();
    const { port, messages } = setUp({
      answer: (text) => {
        if (text.startsWith("AT+CSMP")) giveUp.abort(new Error("enough"));
        return undefined;
      },
    });
    await expect(messages.send(NUMBER, "Ж", giveUp.signal)).rejects.toThrow("enough");
    expect(port.sent.at(-1)).toBe('AT+CSCS="GSM"');
  });
});

describe("receiving", () => {
  it("reads in UCS2, emits, deletes, and sets GSM again", async () => {
    const { port, messages, events, places } = setUp({ places: { 3: received("Grüße: 5 €") } });
    await messages.receive(3);
    expect(port.sent).toEqual(['AT+CSCS="UCS2"', "AT+CMGR=3", 'AT+CSCS="GSM"', "AT+CMGD=3"]);
    expect(events).toEqual([{ event: "sms", direction: "received", number: NUMBER, text: "Grüße: 5 €" }]);
    expect(places).toEqual({});
  });

  it("emits a message once that the sweep and +CMTI both tell of", async () => {
    const { messages, events } = setUp({ places: { 1: received("hello") } });
    await Promise.all([messages.sweep(), messages.receive(1)]);
    expect(events).toHaveLength(1);
  });

  it.each(["OK", "\r\nCLOSED\r\n", "+CMS ERROR: 321", "1234", "RDY\r\nAT+CPOWD=1"])(
    "takes the text %j for a text",
    async (text) => {
      const { messages, events } = setUp({ places: { 1: received(text) } });
      await messages.receive(1);
      expect(events).toMatchObject([{ direction: "received", text: text.replaceAll("\r\n", "\n") }]);
    },
  );

  it("lets no control character through to a terminal", async () => {
    const { messages, events } = setUp({ places: { 1: received("a\x1b[2J\x07\x9bz\n\tb") } });
    await messages.receive(1);
    expect(events).toMatchObject([{ text: "a\ufffd[2J\ufffd\ufffdz\n\ufffdb" }]);
  });

  it("reads a modem that goes on in the GSM alphabet", async () => {
    const { messages, events } = setUp({
      places: { 1: { header: `"REC UNREAD","${NUMBER}","","26/11/24,12:00:00+04"`, text: "sp{t" } },
    });
    await messages.receive(1);
    // 7B is ä in the default alphabet.
    expect(events).toMatchObject([{ number: NUMBER, text: "spät" }]);
  });

  it.each([[["OK"]], [["+CMS ERROR: 321"]]])("says nothing of an empty place: %j", async (answer) => {
    const { messages, events } = setUp({
      answer: (text) => (text.startsWith("AT+CMGR") ? answer : undefined),
    });
    await messages.receive(7);
    expect(events).toEqual([]);
  });

  it.each([[["ERROR"]], [new ModemError("modem/timeout", "no answer")]])(
    "reads nothing where UCS2 is not set (%j): a text could be any line",
    async (answer) => {
      const { port, messages, events } = setUp({
        places: { 3: received("CLOSED") },
        answer: (text) => (text === 'AT+CSCS="UCS2"' ? answer : undefined),
      });
      await expect(messages.receive(3)).rejects.toBeInstanceOf(ModemError);
      expect(port.sent).toEqual(['AT+CSCS="UCS2"', 'AT+CSCS="GSM"']);
      expect(events).toEqual([]);
      await expect(messages.sweep()).rejects.toBeInstanceOf(ModemError);
      expect(port.sent.filter((text) => text.startsWith("AT+CMGR"))).toEqual([]);
    },
  );

  it("keeps a message that could not be deleted in the store, and says so", async () => {
    const { messages, events } = setUp({
      places: { 1: received("hello") },
      answer: (text) => (text.startsWith("AT+CMGD") ? ["+CMS ERROR: 314"] : undefined),
    });
    await expect(messages.receive(1)).rejects.toMatchObject({ code: "modem/refused" });
    expect(events).toMatchObject([{ text: "hello" }]);
  });
});

describe("the sweep", () => {
  it("asks for the number of messages alone where there is none", async () => {
    const { port, messages } = setUp({});
    await messages.sweep();
    expect(port.sent).toEqual(['AT+CPMS="SM","SM","SM"']);
  });

  it("takes what came while nobody listened, read or not, and leaves the owner's own", async () => {
    const { messages, events, places, port } = setUp({
      places: {
        2: received("first", "REC READ"),
        5: received("draft", "STO UNSENT"),
        9: received("second"),
      },
    });
    await messages.sweep();
    expect(events.map(({ text }) => text)).toEqual(["first", "second"]);
    expect(Object.keys(places)).toEqual(["5"]);
    // All three are found at place 9; what is beyond need not be read.
    expect(port.sent.filter((text) => text.startsWith("AT+CMGR"))).toHaveLength(9);
  });

  it("ends at the last place, whatever the modem counts", async () => {
    const { messages, port } = setUp({
      total: 10,
      answer: (text) => (text.startsWith("AT+CPMS") ? ["+CPMS: 4,10,4,10,4,10", "OK"] : undefined),
    });
    await messages.sweep();
    expect(port.sent.filter((text) => text.startsWith("AT+CMGR"))).toHaveLength(10);
  });
});
