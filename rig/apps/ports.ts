/** The real ports of a configuration, tried out before anything is started. */
import { SerialBoardPort } from "../board/serial-port.js";
import type { ConfigFile } from "../core/config-file.js";
import { describeError } from "../core/errors.js";
import type { Port } from "../core/port.js";

/**
 * Opens and closes every real port once, so that a missing cable or a port that another program holds is told at the start.
 * @returns the ports by meter id
 * @throws ConfigError naming file, line, key, port and what to do
 */
export async function tryRealPorts({ config, fault }: ConfigFile): Promise<Map<string, Port>> {
  const ports = new Map<string, Port>();
  for (const [index, { id, board }] of config.meters.entries()) {
    if (board.port === "virtual") continue;
    const port = new SerialBoardPort(board);
    try {
      await port.check();
    } catch (error) {
      throw fault({
        path: ["meters", index, "board", "port"],
        value: board.port,
        problem: describeError(error),
      });
    }
    ports.set(id, port);
  }
  return ports;
}
