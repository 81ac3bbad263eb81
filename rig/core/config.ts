/**
 * The configuration: YAML text -> checked, complete settings with their defaults. The schema is the documentation.
 * Names in the file are short, as people write them; every unit is said here.
 */
import { z } from "zod";
import { analogPin, digitalPin, duration, name, number, text, wholeNumber } from "./config-values.js";

/** Current sensor on an analog pin. */
const currentSensor = z.strictObject({
  /** zmct103c: current transformer with burden; acs712: Hall sensor, one of the three ranges. */
  sensor: z
    .enum(["zmct103c", "acs712-5a", "acs712-20a", "acs712-30a"], {
      error: "zmct103c, acs712-5a, acs712-20a or acs712-30a",
    })
    .default("zmct103c"),
  /** Burden resistor of the current transformer [ohm]. */
  burden: number(1, 10_000, "ohm").default(200),
  /** Turns of the current transformer, primary to secondary [1]. */
  ratio: number(1, 100_000, "turns").default(1000),
  pin: analogPin.default("A0"),
});

/** Voltage sensor; leave it out and the nominal mains voltage is used and marked so. */
const voltageSensor = z.strictObject({
  sensor: z.enum(["zmpt101b"], { error: "zmpt101b" }).default("zmpt101b"),
  pin: analogPin.default("A1"),
  /** Voltage at the pin for one volt of mains [V/V]. */
  gain: number(1e-5, 1, "V/V").default(0.005),
  /** How long after the current's pin this one is converted [us]; left out: what the firmware is known for. */
  skew: number(0, 1000, "us").optional(),
});

const I2C_ADDRESSES = "the address of a PCF8574 (0x20 to 0x27) or PCF8574A (0x38 to 0x3F)";

const lcd = z.discriminatedUnion(
  "type",
  [
    z.strictObject({
      type: z.literal("parallel"),
      rs: digitalPin.default("D2"),
      e: digitalPin.default("D3"),
      d4: digitalPin.default("D4"),
      d5: digitalPin.default("D5"),
      d6: digitalPin.default("D6"),
      d7: digitalPin.default("D7"),
    }),
    z.strictObject({
      type: z.literal("i2c"),
      /** 7-bit address of the PCF8574 backpack. */
      address: z
        .int({ error: I2C_ADDRESSES })
        .refine((address) => (address >= 0x20 && address <= 0x27) || (address >= 0x38 && address <= 0x3f), {
          error: I2C_ADDRESSES,
        })
        .default(0x27),
    }),
    z.strictObject({ type: z.literal("none") }),
  ],
  { error: "an object with type: parallel, i2c or none" },
);

const boardPort = z.union(
  [text("a port"), z.strictObject({ serialNumber: text("the board's USB serial number") })],
  { error: "virtual, a path such as /dev/ttyACM0 or COM3, or { serialNumber: ... }" },
);

/** What the virtual bench builds for a meter; what is left out is as the meter's own sensors say. */
const virtualMeter = z.strictObject({
  /** Lamps of 100 W switched on at the start. */
  lamps: wholeNumber(0, 4, "lamps").default(1),
  /** Turns ratio of the transformer that is really there [1]. */
  ratio: number(1, 100_000, "turns").optional(),
  /** Burden that is really there [ohm]. */
  burden: number(1, 10_000, "ohm").optional(),
  /** Gain of the voltage sensor that is really there [V/V]. */
  gain: number(1e-5, 1, "V/V").optional(),
  /** Bias of A0 and A1 [V]. */
  bias: number(0, 5, "V").default(2.5),
  /** ADC noise, rms [LSB]. */
  noise: number(0, 50, "LSB rms").default(0.4),
});

const meter = z.strictObject({
  id: name("a meter's id"),
  board: z
    .strictObject({
      port: boardPort.default("virtual"),
      baud: z
        .literal([9600, 19_200, 38_400, 57_600, 115_200], {
          error: "a baud rate of Firmata: 57600 (StandardFirmata), or 9600, 19200, 38400, 115200",
        })
        .default(57_600),
    })
    .prefault({}),
  current: currentSensor.prefault({}),
  voltage: voltageSensor.optional(),
  /** Power factor assumed where no voltage is measured. */
  nominalPowerFactor: number(0.01, 1, "").default(1),
  /** Current below which no load is counted [A]. */
  creep: number(0, 1, "A").default(0.015),
  lcd: lcd.prefault({ type: "parallel" }),
  /** The loop through the meter's modem cable. */
  bus: z.strictObject({ out: digitalPin.default("D8"), in: digitalPin.default("D9") }).prefault({}),
  /** Load relay; LOW is load on. */
  relay: digitalPin.default("D10"),
  /** Bypass wires to the neighbour. */
  link: z.strictObject({ tx: digitalPin.default("D11"), rx: digitalPin.default("D12") }).prefault({}),
  led: digitalPin.default("D13"),
  virtual: virtualMeter.prefault({}),
});

const APN =
  'an access point name: letters, digits, dots and hyphens, at most 50 characters; "" if the network needs none';
const PLAIN_TEXT = "text of at most 50 printable ASCII characters, no quotes";
const plainText = z.string({ error: PLAIN_TEXT }).regex(/^[ !#-~]{0,50}$/, { error: PLAIN_TEXT });

/** Source: SIM900 AT Command Manual V1.03, AT+IPR. */
export const MODEM_BAUDS_BPS = [1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200] as const;

/** Source: SIM900 AT Command Manual V1.03, AT+CSTT for the lengths. */
const modem = z.union(
  [
    z.literal("none"),
    z.strictObject({
      port: text("virtual, the modem's serial port, or tcp://host:port of a device server"),
      baud: z
        .literal(MODEM_BAUDS_BPS, {
          error: `a baud rate of the SIM900: ${MODEM_BAUDS_BPS.join(", ")}`,
        })
        .default(9600),
      apn: z
        .string({ error: APN })
        .regex(/^([A-Za-z0-9]([A-Za-z0-9.-]{0,48}[A-Za-z0-9])?)?$/, { error: APN })
        .default(""),
      user: plainText.default(""),
      password: plainText.default(""),
      /** File that holds the SIM's PIN and nothing else. */
      pinFile: text("the path of a file with the SIM's PIN").optional(),
      /** manual: the rig leaves the modem alone, and reports wait in the journal. */
      mode: z.enum(["auto", "manual"], { error: "auto or manual" }).default("auto"),
      /** Pin of a board that drives the modem's PWRKEY through a transistor: HIGH presses the key. */
      powerKey: z.strictObject({ meter: name("a meter's id"), pin: digitalPin }).optional(),
    }),
  ],
  { error: "none, or an object with port, baud, apn, user, password" },
);

const HOST = "the broker's host name or address: letters, digits, dots, hyphens and colons, at most 100";

const PHONE_NUMBER =
  'a phone number such as "+4915112345678": 3 to 15 digits, in quotes, with + and the country\'s code';

const tcpPort = wholeNumber(0, 65_535, "(0: any free one)");

export const configSchema = z.strictObject({
  /** Names the rig at the broker, as client and in its topics: one rig a site, since two would throw each other off for ever. */
  site: name("the site's name").default("lab-1"),
  mains: z
    .strictObject({
      /** Nominal RMS voltage [V]. */
      volts: number(10, 500, "V").default(230),
      /** Nominal frequency [Hz]. */
      hz: number(40, 70, "Hz").default(50),
    })
    .prefault({}),
  report: z
    .strictObject({
      /** A report to the centre sums up this long. */
      every: duration(1000, 3_600_000).prefault("10s"),
      /** A reading sums up this long. */
      reading: duration(200, 60_000).prefault("1s"),
    })
    .prefault({}),
  demand: z
    .strictObject({
      /** Integration period of the demand register, aligned to the clock. */
      period: duration(60_000, 3_600_000).prefault("15m"),
    })
    .prefault({}),
  meters: z
    .array(meter, { error: "a list of meters" })
    .min(1, { error: "at least one meter" })
    .max(200, { error: "at most 200 meters" }),
  links: z
    .array(
      z.strictObject({
        between: z.tuple([name("a meter's id"), name("a meter's id")], {
          error: "two meter ids, such as [main, neighbour]",
        }),
      }),
      { error: "a list of links" },
    )
    .default([]),
  modem: modem.default("none"),
  broker: z
    .strictObject({
      host: z
        .string({ error: HOST })
        .regex(/^[A-Za-z0-9.:_-]{1,100}$/, { error: HOST })
        .default("127.0.0.1"),
      port: z
        .union([z.literal("embedded"), tcpPort], { error: "embedded, or a TCP port from 0 to 65535" })
        .default("embedded"),
      /** TCP port that the embedded broker listens on; 0: any free one, which is enough where the rig is its only client. */
      listen: tcpPort.default(0),
      username: text("the broker's user name").optional(),
      /** File that holds the broker's password and nothing else. */
      passwordFile: text("the path of a file with the broker's password").optional(),
      /** TLS to a real broker, over whatever carries the bytes. */
      tls: z.boolean({ error: "true or false" }).default(false),
      /** Certificate of the authority that signed the broker's, PEM; left out: the well-known ones. */
      caFile: text("the path of a PEM file with a certificate").optional(),
    })
    .prefault({}),
  alerts: z
    .strictObject({
      /** Phones that are told by SMS when a meter's route is damaged or restored. */
      sms: z
        .array(z.string({ error: PHONE_NUMBER }).regex(/^\+?[0-9]{3,15}$/, { error: PHONE_NUMBER }), {
          error: "a list of phone numbers",
        })
        .max(20, { error: "at most 20 phone numbers" })
        .default([]),
    })
    .prefault({}),
  centre: z
    .strictObject({
      embedded: z.boolean({ error: "true or false" }).default(true),
      web: z
        .strictObject({
          host: text("a host name or address").default("127.0.0.1"),
          port: tcpPort.default(8080),
        })
        .prefault({}),
    })
    .prefault({}),
  virtual: z
    .strictObject({
      /** Intel hex file of the boards' firmware, beside the config file; left out: StandardFirmata 2.5. */
      firmware: text("the path of an Intel hex file").optional(),
      /** Start of the random numbers, so that a run can be repeated. */
      seed: wholeNumber(0, 0xffff_ffff, "").default(1),
    })
    .prefault({}),
});

/** Between the conversions of two neighbouring channels: StandardFirmata 2.5.9 as the Arduino IDE builds it (core 1.8.7) [us]. */
const SKEW_US = 147;
/** The same of the hex that the virtual boards run by default, an older build of 2.5: 2042 cycles of 16 MHz [us]. */
const DEFAULT_HEX_SKEW_US = 127.6;

/** How long after the current the voltage is converted [us], as configured or as known of the firmware. */
export function channelSkewUs(config: Config, meter: MeterConfig): number {
  const defaultHex = meter.board.port === "virtual" && config.virtual.firmware === undefined;
  return meter.voltage?.skew ?? (defaultHex ? DEFAULT_HEX_SKEW_US : SKEW_US);
}

export type Config = z.output<typeof configSchema>;
export type MeterConfig = Config["meters"][number];
export type LcdConfig = MeterConfig["lcd"];
export type ModemConfig = Exclude<Config["modem"], "none">;
export type CurrentSensorConfig = MeterConfig["current"];
export type VoltageSensorConfig = NonNullable<MeterConfig["voltage"]>;
