/**
 * ADC counts -> amperes and volts of the mains, from the sensors the configuration names. The only place that converts them.
 * Source: ATmega328P data sheet, "ADC Conversion Result": code = V_in * 1024 / V_ref.
 */
import type { CurrentSensorConfig, VoltageSensorConfig } from "../core/config.js";

/** The ADC's reference is the UNO's 5 V supply [V]; a USB supply that is off by 1 % puts every current and voltage off by 1 %. */
export const REFERENCE_V = 5;
export const ADC_STEPS = 1024;
/** First and last code: a sample that reads either may have been cut off. */
export const LOWEST_COUNT = 0;
export const HIGHEST_COUNT = 1023;

/** Source: Allegro ACS712 data sheet, x05B, x20A, x30A performance characteristics, sensitivity at 5 V [V/A]. */
const ACS712_V_PER_A = { "acs712-5a": 0.185, "acs712-20a": 0.1, "acs712-30a": 0.066 } as const;

export interface Calibration {
  readonly currentAPerCount: number;
  /** null without a voltage sensor. */
  readonly voltageVPerCount: number | null;
}

export function calibrate(
  current: CurrentSensorConfig,
  voltage: VoltageSensorConfig | undefined,
): Calibration {
  const voltsPerCount = REFERENCE_V / ADC_STEPS;
  return {
    currentAPerCount: voltsPerCount / currentSensitivityVPerA(current),
    voltageVPerCount: voltage === undefined ? null : voltsPerCount / voltage.gain,
  };
}

/** The ACS712 is ratiometric: it follows the supply as the ADC does, so its counts per ampere hold at any supply voltage. */
function currentSensitivityVPerA({ sensor, burden, ratio }: CurrentSensorConfig): number {
  return sensor === "zmct103c" ? burden / ratio : ACS712_V_PER_A[sensor];
}
