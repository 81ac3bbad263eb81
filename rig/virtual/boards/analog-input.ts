/**
 * The ADC of the ATmega328P: volts at the sample-and-hold instant -> code 0..1023, after the conversion's time.
 * Source: ATmega328P data sheet DS40002061A, section 24.4 (the hold comes 1.5 ADC clocks after the start of a
 * conversion, 13.5 for the first after the ADC is switched on) and 24.7 (code = V * 1024 / V_ref).
 */
import { ADCMuxInputType, AVRADC, adcConfig, type CPU } from "avr8js";

/** Voltage on an analog channel (0 is A0) at a bench time [s]; noise belongs to it. */
export type AnalogSource = (channel: number, timeS: number) => number;

/** Length of the first conversion [ADC clocks]; the others take 13. */
const FIRST_CONVERSION_CLOCKS = 25;
const FIRST_HOLD_CLOCKS = 13.5;
const HOLD_CLOCKS = 1.5;
const MAX_CODE = 1023;

/** Gives `cpu` an ADC that reads `source`. */
export function attachAdc(cpu: CPU, frequencyHz: number, source: AnalogSource): void {
  const adc = new AVRADC(cpu, adcConfig);
  const readDefault = adc.onADCRead;
  adc.onADCRead = (input) => {
    if (input.type !== ADCMuxInputType.SingleEnded) {
      readDefault(input);
      return;
    }
    const clocks =
      adc.sampleCycles / adc.prescaler === FIRST_CONVERSION_CLOCKS ? FIRST_HOLD_CLOCKS : HOLD_CLOCKS;
    const holdCycle = cpu.cycles + clocks * adc.prescaler;
    const volts = source(input.channel, holdCycle / frequencyHz);
    const code = Math.min(MAX_CODE, Math.max(0, Math.floor((volts / adc.referenceVoltage) * (MAX_CODE + 1))));
    cpu.addClockEvent(() => adc.completeADCRead(code), adc.sampleCycles);
  };
}
