/** The seam between routing and whatever takes a sealed frame further: the meter's own uplink, or a way past it. */

/** A frame on its way, with the name of the meter that it is of. Only that meter and the centre can open it. */
export interface SealedFrame {
  readonly meter: string;
  readonly bytes: Uint8Array;
}

export interface Carrier {
  /**
   * Resolves when the broker has acknowledged the frame, which it does after the centre has stored it. Waits while there is
   * no connection. Rejects when it is not known to have arrived (it may have: the centre takes it once), or with the
   * signal's reason; after that the carrier does not send it again.
   */
  send(frame: SealedFrame, signal: AbortSignal): Promise<void>;
}
