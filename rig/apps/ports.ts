/** The port of each meter's board: on the virtual bench, or a real one that is tried out before anything is started. */
import { SerialBoardPort } from "../board/serial-port.js";
import type { MeterConfig } from "../core/config.js";
import type { ConfigFile } from "../core/config-file.js";
import { describeError } from "../core/errors.js";
import type { Port } from "../core/port.js";

export function realMeters({ config }: ConfigFile): { meter: MeterConfig; index: number }[] {
  return config.meters
    .map((meter, index) => ({ meter, index }))
    .filter(({ meter }) => meter.board.port !== "virtual");
}

/**
 * Opens and closes every real port once, so that a missing cable or a port that another program holds is told at the start.
 * @returns the ports by meter id
 * @throws ConfigError naming file, line, key, port and what to do
 */
export async function tryRealPorts(configFile: ConfigFile): Promise<Map<string, Port>> {
  const ports = new Map<string, Port>();
  for (const { meter, index } of realMeters(configFile)) {
    const port = new SerialBoardPort(meter.board);
    try {
      const stream = await port.open();
      const closed = new Promise((resolve) => stream.once("close", resolve));
      stream.destroy();
      await closed;
    } catch (error) {
      throw configFile.fault({
        path: ["meters", index, "board", "port"],
        value: meter.board.port,
        problem: describeError(error),
      });
    }
    ports.set(meter.id, port);
  }
  return ports;
}
