/** Waits for what real sockets do beside a clock that stands still. Not for the passing of time: that is the clock's. */
export async function until(condition: () => boolean, what: string, limitMs = 5000): Promise<void> {
  const startMs = performance.now();
  while (!condition()) {
    if (performance.now() - startMs > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
