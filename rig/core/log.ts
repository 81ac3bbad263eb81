/**
 * Diagnostic traces by namespace, shown on stderr with DEBUG=rig:*; a namespace is the folder path ("rig:board:supervisor").
 * Keys and the plaintext of sealed data never go here.
 */
import debug from "debug";

export type Trace = debug.Debugger;

export function trace(namespace: `rig:${string}`): Trace {
  return debug(namespace);
}

/** Bytes as spaced hex, "f0 79 f7". */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
