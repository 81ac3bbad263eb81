import { describe, expect, it, onTestFinished } from "vitest";
import { openTcpStream } from "../../rig/uplink/tcp-stream.js";
import { until } from "../support/until.js";
import { bareBroker, broker, never } from "./uplink-bench.js";

describe("a TCP stream", () => {
  it("is connected when it is there", async () => {
    const { port, received } = await bareBroker(() => undefined);
    const stream = await openTcpStream("127.0.0.1", port, never);
    onTestFinished(() => void stream.destroy());
    stream.write(Buffer.from([0xc0, 0]));
    await until(() => received.length === 1, "what was written");
  });

  it("names host and port and what to check when nothing listens or nobody knows the name", async () => {
    const gone = await broker();
    await gone.stop();
    await expect(openTcpStream("127.0.0.1", gone.port, never)).rejects.toMatchObject({
      code: "uplink/unreachable",
      message: expect.stringContaining(`cannot connect to 127.0.0.1:${gone.port}`),
      hint: "nothing listens there: check that the broker runs, and broker.port",
    });
    await expect(openTcpStream("broker.invalid", 1883, never)).rejects.toMatchObject({
      code: "uplink/unreachable",
      message: expect.stringContaining("cannot connect to broker.invalid:1883"),
    });
  });

  it("is given up with the signal's reason", async () => {
    const reason = new Error("enough");
    await expect(openTcpStream("127.0.0.1", 9, AbortSignal.abort(reason))).rejects.toBe(reason);
    const { port } = await bareBroker(() => undefined);
    const abort = new AbortController();
    const opening = openTcpStream("127.0.0.1", port, abort.signal);
    abort.abort(reason);
    await expect(opening).rejects.toBe(reason);
  });
});
