/**
 * Free loopback ports for servers.
 *
 * Drawn at random from 20000–29999, outside the range from which the kernel takes the ports of
 * outgoing connections: a server that is down for a moment finds its port free again. A Redis
 * cluster node also needs `port + 10000`.
 */
import { randomInt } from "node:crypto";
import { createServer } from "node:net";

const FIRST_PORT = 20_000;
const LAST_PORT = 29_999;
const TRIES = 200;

/** @param {{ busOffset?: number }} [options] also ask that `port + busOffset` is free */
export async function freePort({ busOffset = 0 } = {}) {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1);
    if (!(await isFree(port))) continue;
    if (busOffset === 0 || (await isFree(port + busOffset))) return port;
  }
  throw new Error(`no free loopback port in ${FIRST_PORT}–${LAST_PORT} after ${TRIES} tries`);
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
