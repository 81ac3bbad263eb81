import { describe, expect, it } from "vitest";
import { parseConfig, readConfigFile } from "../../rig/core/config-file.js";
import { ConfigError } from "../../rig/core/errors.js";

const METERS = "meters:\n  - id: main\n  - id: neighbour\n";

/** The one-line message that a configuration is refused with. */
function fault(text: string): string {
  try {
    parseConfig(text, "lab.yaml");
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error("the configuration was accepted");
}

describe("a configuration file", () => {
  it("is complete with two meter ids alone: UNO pins, 57600 baud, 10 s reports", () => {
    const { config } = parseConfig(METERS, "lab.yaml");
    expect(config.report).toEqual({ every: 10_000, reading: 1000 });
    expect(config.meters[0]).toMatchObject({
      board: { port: "virtual", baud: 57_600 },
      current: { sensor: "zmct103c", burden: 200, ratio: 1000, pin: "A0" },
      lcd: { type: "parallel", rs: "D2", e: "D3", d4: "D4", d7: "D7" },
      bus: { out: "D8", in: "D9" },
      relay: "D10",
    });
    expect(config.meters[0]?.voltage).toBeUndefined();
    expect(config.broker.port).toBe("embedded");
  });

  it.each(["config/virtual.yaml", "config/paper.yaml"])("%s of this project is valid", (file) => {
    expect(readConfigFile(file).config.meters.map((meter) => meter.id)).toEqual(["main", "neighbour"]);
  });

  it("takes the modem, broker and centre of the design document", () => {
    const { config } = parseConfig(
      `${METERS}modem: { port: virtual, baud: 9600, apn: airtelgprs.com, user: "", password: "" }\nbroker: { host: 127.0.0.1, port: embedded }\ncentre: { embedded: true, web: { host: 127.0.0.1, port: 8080 } }\n`,
      "lab.yaml",
    );
    expect(config.modem).toMatchObject({ port: "virtual", apn: "airtelgprs.com" });
  });

  it.each<[what: string, text: string, line: number, parts: string[]]>([
    ["an unknown key", `site: a\nmetres: 3\n${METERS}`, 2, ["metres", "not a key", "meters", "site"]],
    [
      "an unknown key of a meter",
      "meters:\n  - id: main\n    lamp: 3\n",
      3,
      ["meters[0].lamp", "current", "lcd"],
    ],
    ["a wrong type", `mains:\n  volts: high\n${METERS}`, 2, ["mains.volts", '"high"', "10 to 500 V"]],
    ["a value out of range", `mains:\n  hz: 400\n${METERS}`, 2, ["mains.hz", "400", "40 to 70 Hz"]],
    ["a bad duration", `report:\n  every: soon\n${METERS}`, 2, ["report.every", '"soon"', "1s to 1h"]],
    ["a duration as a number", `report:\n  every: 10\n${METERS}`, 2, ["report.every", "10", "such as 500ms"]],
    [
      "an interval that readings do not fill",
      `report:\n  every: 2500ms\n${METERS}`,
      2,
      ['"2500ms"', "whole multiple", "which is 1s"],
    ],
    ["no meters", "site: a\n", 1, ["meters", "missing"]],
    ["a meter without id", "meters:\n  - lcd: { type: none }\n", 2, ["meters[0].id", "missing"]],
    ["an id with a slash", "meters:\n  - id: a/b\n", 2, ["meters[0].id", '"a/b"', "letters"]],
    ["two meters with one id", "meters:\n  - id: a\n  - id: a\n", 3, ["meters[1].id", '"a"', "meters[0]"]],
    [
      "ids that differ in capitals only, which share files on macOS and Windows",
      "meters:\n  - id: Lab\n  - id: lab\n",
      3,
      ["meters[1].id", '"lab"', "meters[0]", "capitals"],
    ],
    [
      "an id that Windows keeps for a device",
      "meters:\n  - id: Com1\n",
      2,
      ["meters[0].id", "Com1", "Windows"],
    ],
    [
      "a meter called as the rig's own topics",
      "meters:\n  - id: rig\n",
      2,
      ["meters[0].id", '"rig"', "MQTT topics of the rig"],
    ],
    [
      "an interval of 10 s in readings of 3 s",
      `report:\n  reading: 3s\n  every: 10s\n${METERS}`,
      3,
      ['report.every is "10s"', "which is 3s"],
    ],
    ["what is no number", `mains:\n  volts: .nan\n${METERS}`, 2, ["mains.volts is .nan", "10 to 500 V"]],
    [
      "a modem's password that is no text",
      `${METERS}modem:\n  port: COM3\n  password: 8402\n`,
      6,
      ["modem.password is (hidden): it must be text"],
    ],
    [
      "an unknown key of a modem",
      `${METERS}modem:\n  port: COM3\n  pasword: 8402\n`,
      6,
      ["modem.pasword is not a key", "password"],
    ],
    [
      "an APN with a space",
      `${METERS}modem:\n  port: COM3\n  apn: airtel gprs\n`,
      6,
      ["modem.apn", '"airtel gprs"', "access point name"],
    ],
    [
      "a modem's baud rate that it does not have",
      `${METERS}modem:\n  port: COM3\n  baud: 14400\n`,
      6,
      ["modem.baud is 14400", "9600"],
    ],
    [
      "a device server without a port",
      `${METERS}modem:\n  port: tcp://10.0.0.7\n`,
      5,
      ["modem.port", "tcp://10.0.0.7", "tcp://host:port"],
    ],
    [
      "a modem on a board's port",
      "meters:\n  - id: a\n    board: { port: COM3 }\nmodem:\n  port: COM3\n",
      5,
      ["modem.port", "COM3", "meters[0]"],
    ],
    [
      "a PIN's file that is not there",
      `${METERS}modem:\n  port: COM3\n  pinFile: no.pin\n`,
      6,
      ["modem.pinFile", "no.pin", "no such file"],
    ],
    [
      "a power key on a board that is not there",
      `${METERS}modem:\n  port: COM3\n  powerKey: { meter: b, pin: A3 }\n`,
      6,
      ["modem.powerKey.meter", '"b"', "no such meter"],
    ],
    [
      "a power key on a pin in use",
      "meters:\n  - id: a\nmodem:\n  port: COM3\n  powerKey: { meter: a, pin: D8 }\n",
      5,
      ["modem.powerKey.pin", "D8", "bus.out"],
    ],
    [
      "a phone number that lost its plus to YAML",
      `${METERS}modem:\n  port: COM3\nalerts:\n  sms:\n    - +4915112345678\n`,
      8,
      ["alerts.sms[0]", "in quotes"],
    ],
    [
      "a broker's host with a quote in it",
      `${METERS}broker:\n  host: foo"bar\n`,
      5,
      ["broker.host", "host name or address"],
    ],
    [
      "phones without a modem",
      `${METERS}alerts: { sms: ["+4915112345678"] }\n`,
      4,
      ["alerts.sms", "needs a modem"],
    ],
    [
      "TLS to the embedded broker",
      `${METERS}broker: { tls: true }\n`,
      4,
      ["broker.tls is true", "embedded broker has no TLS"],
    ],
    [
      "a serial number that is no text",
      "meters:\n  - id: a\n    board:\n      port: { serialNumber: 7583 }\n",
      4,
      ["meters[0].board.port.serialNumber is 7583", "USB serial number"],
    ],
    [
      "an object that holds itself",
      `site: &a\n  again: *a\n  n: [.nan]\n${METERS}`,
      1,
      ['{"again":"...","n":["NaN"]}', "the site's name"],
    ],
    [
      "two meters on one port",
      "meters:\n  - id: a\n    board: { port: COM3 }\n  - id: b\n    board: { port: COM3 }\n",
      5,
      ["meters[1].board.port", "COM3", "meters[0]"],
    ],
    ["a pin used twice", "meters:\n  - id: a\n    relay: D8\n", 3, ["meters[0]", "D8", "bus.out"]],
    [
      "the serial line as a pin",
      "meters:\n  - id: a\n    relay: D1\n",
      3,
      ["meters[0].relay", "D1", "D2 to D13"],
    ],
    [
      "a digital pin that is to measure",
      "meters:\n  - id: a\n    current:\n      pin: D7\n",
      4,
      ["meters[0].current.pin", "D7", "A0 to A5"],
    ],
    [
      "a sensor on the pins of the I2C display",
      "meters:\n  - id: a\n    current: { pin: A4 }\n    lcd: { type: i2c }\n",
      4,
      ["meters[0].lcd", "A4", "current.pin"],
    ],
    [
      "an address that no LCD backpack has",
      "meters:\n  - id: a\n    lcd:\n      type: i2c\n      address: 0x30\n",
      5,
      ["meters[0].lcd.address", "0x30", "0x20 to 0x27"],
    ],
    ["a link to nobody", `${METERS}links:\n  - between: [main, third]\n`, 5, ["third", "main, neighbour"]],
    ["a link to itself", `${METERS}links:\n  - between: [main, main]\n`, 5, ["two different meters"]],
    ["a TCP port out of range", `${METERS}broker:\n  port: 70000\n`, 5, ["broker.port", "70000", "65535"]],
    [
      "a user without password",
      `${METERS}broker:\n  port: 1883\n  username: u\n`,
      6,
      ["username", "go together"],
    ],
    [
      "a password file that is not there",
      `${METERS}broker:\n  port: 1883\n  username: u\n  passwordFile: none.txt\n`,
      7,
      ["none.txt", "no such file"],
    ],
    [
      "an embedded broker without centre",
      `${METERS}centre:\n  embedded: false\n`,
      1,
      ["broker.port", "embedded"],
    ],
  ])("refuses %s, naming file, line, key, value and what is allowed", (_, text, line, parts) => {
    const message = fault(text);
    expect(message).not.toContain("\n");
    expect(message).toMatch(new RegExp(`^lab\\.yaml:${line}: `));
    for (const part of parts) expect(message).toContain(part);
  });

  it("refuses text that is not YAML with its line", () => {
    expect(fault("site: a\nmeters: [\n")).toMatch(/^lab\.yaml:\d+: not YAML: /);
  });

  it.each([
    [
      "an alias without its anchor",
      `${METERS}site: *lab\n`,
      /^lab\.yaml:4: not YAML: this alias .* no anchor/,
    ],
    [
      "an alias before its anchor",
      "site: *lab\nmeters:\n  - id: &lab a\n",
      /^lab\.yaml:1: not YAML: this alias/,
    ],
    ["a second document", `${METERS}---\nsite: b\n`, /^lab\.yaml:[45]: a second YAML document/],
  ])("refuses %s with its line, in its own words", (_, text, message) => {
    expect(() => parseConfig(text, "lab.yaml")).toThrow(
      expect.objectContaining({ code: "config/yaml", message: expect.stringMatching(message) }),
    );
    expect(fault(text)).not.toContain("parseAll");
    expect(fault(text)).not.toContain("\n");
  });

  it.each([
    ["that is no text", `modem:\n  port: COM3\n  password: 840256\n`],
    ["of a modem without port", "modem:\n  password: 840256\n"],
    ["of a list of modems", "modem:\n  - { port: COM3, password: 840256 }\n"],
    ["in the wrong place", "mains:\n  volts: { password: 840256 }\n"],
    ["that looks like an alias", "modem:\n  port: COM3\n  password: *840256\n"],
  ])("never shows a password %s", (_, text) => {
    expect(fault(METERS + text)).not.toContain("840256");
  });

  it("names the path of a file that is not there", () => {
    expect(() => readConfigFile("config/none.yaml")).toThrow(/config\/none\.yaml: there is no such file/);
  });

  it("finds the line again for a value that fails only in use", () => {
    const file = parseConfig(`centre:\n  web:\n    port: 8080\n${METERS}`, "lab.yaml");
    const fault = file.fault({ path: ["centre", "web", "port"], value: 8080, problem: "taken" });
    expect(fault.message).toBe("lab.yaml:3: centre.web.port is 8080: taken");
  });

  it("gives one line for each of three faults", () => {
    expect(fault("site: 3\nmains: { volts: 1 }\nmeters: []\n").split("\n")).toHaveLength(3);
  });
});
