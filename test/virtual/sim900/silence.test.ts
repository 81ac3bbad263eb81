/** What the peer hears of a module that is suddenly gone: nothing, as over the air. */
import { describe, expect, it } from "vitest";
import { until } from "../../support/until.js";
import { benchOfEachTest } from "./terminal.js";

const bench = benchOfEachTest();
const supply = (on: boolean) => bench.terminal.modem.command({ verb: "modem", on });

/** Connections that the peer believes to be open. */
const believed = () => bench.peer.sockets.filter((socket) => !socket.closed && !socket.readableEnded).length;

/** Lets the sockets of loopback settle. */
const settle = () => bench.terminal.pass(100);

describe("the peer of a virtual SIM900", () => {
  it.each([
    ["loses its supply", () => supply(false)],
    ["restarts in a brown-out", () => bench.fault("brown-out")],
    ["loses its bearer", () => bench.fault("pdp-deact")],
    ["loses its coverage", () => bench.terminal.modem.command({ verb: "network", up: false })],
    [
      "is switched off",
      async () => {
        bench.terminal.modem.powerKey(true);
        await bench.terminal.pass(3000);
        bench.terminal.modem.powerKey(false);
      },
    ],
  ])("hears nothing for ten minutes when the module %s", async (_name, lose) => {
    await bench.connect();
    await lose();
    bench.peer.socket.write("is anybody there?");
    await bench.terminal.pass(590_000);
    await settle();
    expect(believed()).toBe(1);
    await bench.terminal.pass(15_000);
    await until(() => believed() === 0, "the end of the connection");
  });

  it("hears of a connection that the module closes, shuts, or is made to give up by CIPSHUT", async () => {
    for (const command of ["AT+CIPCLOSE=1", "AT+CIPSHUT"]) {
      await bench.terminal.ask("AT+CIPSHUT", "SHUT OK\r\n");
      await bench.connect();
      await bench.terminal.ask(command, /(CLOSE|SHUT) OK\r\n$/);
      await until(() => believed() === 0, `the end after ${command}`);
    }
  });

  it("believes in at most 32 connections that are none", async () => {
    for (let time = 0; time < 40; time++) {
      await bench.connect();
      bench.fault("pdp-deact");
      await bench.terminal.hear("DEACT\r\n");
      await bench.terminal.ask("AT+CIPSHUT", "SHUT OK\r\n");
    }
    expect(bench.peer.sockets).toHaveLength(40);
    await until(() => believed() <= 32, "32 connections");
    await settle();
    expect(believed()).toBe(32);
  });

  it("is let go when it closes by itself, and when everything stops", async () => {
    await bench.connect();
    supply(false);
    const armed = bench.terminal.clock.armedTimers;
    bench.peer.socket.end();
    await until(() => bench.peer.socket.closed, "the close from the other side");
    expect(bench.terminal.clock.armedTimers).toBe(armed - 1);
    supply(true);
    await bench.terminal.hear("Call Ready\r\n", 20_000);
    await bench.connect();
    supply(false);
    await settle();
    expect(believed()).toBe(1);
    await bench.end();
    await until(() => believed() === 0, "the end of the connection");
  });
});
