/**
 * A TCP relay that misbehaves on command: the network between a client and its server.
 *
 * It knows nothing of the protocol. It sees chunks, which for one client with one request in
 * flight are requests and replies; that is enough to lose a reply exactly when it hurts, namely
 * after the server has done the work.
 *
 * Each connection is two lanes, client to server and back. A lane is a queue that keeps order and
 * delivers its head when nothing holds it: not paused, its delay over, no cut in preparation.
 */
import { connect, createServer } from "node:net";

/** @import { Socket } from "node:net" */
/** @import { Delay, ProxyTarget, TcpProxy } from "./types.ts" */

// An armed cut waits for this long a silence before it forwards the request, so that a reply to an
// earlier request is not mistaken for the answer.
const QUIET_MS = 10;

/**
 * @typedef {object} Switches
 * @property {boolean} refuse
 * @property {boolean} holdRequests
 * @property {boolean} holdReplies
 * @property {Delay} delay
 * @property {number} dropProbability
 * @property {() => number} random
 * @property {{ match: (chunk: Buffer) => boolean, cut: () => void } | undefined} armed
 */

/**
 * Starts a relay to `target` on a free loopback port.
 *
 * @param {ProxyTarget} target
 * @returns {Promise<TcpProxy>}
 */
export async function startTcpProxy(target) {
  /** @type {Switches} */
  const switches = {
    refuse: false,
    holdRequests: false,
    holdReplies: false,
    delay: {},
    dropProbability: 0,
    random: () => 1,
    armed: undefined,
  };
  /** @type {Set<Link>} */
  const links = new Set();
  const server = createServer({ noDelay: true }, (client) => {
    client.on("error", () => {});
    if (switches.refuse) {
      client.resetAndDestroy();
      return;
    }
    const link = new Link(client, target, switches, () => links.delete(link));
    links.add(link);
  });
  await /** @type {Promise<void>} */ (
    new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", resolve);
    })
  );
  server.unref();
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return controls({ server, port, target, switches, links });
}

/**
 * @param {{ server: import("node:net").Server, port: number, target: ProxyTarget,
 *   switches: Switches, links: Set<Link> }} parts
 * @returns {TcpProxy}
 */
function controls({ server, port, target, switches, links }) {
  const flip = (/** @type {Partial<Switches>} */ change) => {
    Object.assign(switches, change);
    for (const link of links) link.pump();
  };
  const cutAll = () => {
    for (const link of links) link.cut();
  };
  return {
    host: "127.0.0.1",
    port,
    url: target.url?.replace(/:\d+(?=\/|$)/, `:${port}`),
    cutAll,
    refuse: (on) => flip({ refuse: on }),
    pauseReplies: (on) => flip({ holdReplies: on }),
    pauseRequests: (on) => flip({ holdRequests: on }),
    delay: (delay) => flip({ delay }),
    cutAfterNextRequest: (match = () => true) =>
      new Promise((resolve) => flip({ armed: { match, cut: resolve } })),
    dropReplies: (dropProbability, random) => flip({ dropProbability, random }),
    connections: () => links.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cutAll();
      }),
  };
}

/** One proxied connection. */
class Link {
  #client;
  #upstream;
  #switches;
  #onEnd;
  #requests;
  #replies;
  #lastReplyMs = 0;
  /** Set while the answer to an armed request is awaited. @type {(() => void) | undefined} */
  #awaited;
  #ended = false;

  /**
   * @param {Socket} client
   * @param {ProxyTarget} target
   * @param {Switches} switches
   * @param {() => void} onEnd
   */
  constructor(client, target, switches, onEnd) {
    this.#client = client;
    this.#switches = switches;
    this.#onEnd = onEnd;
    this.#upstream = connect({ host: target.host, port: target.port, noDelay: true });
    this.#requests = new Lane(
      this.#upstream,
      () => switches.holdRequests || this.#awaited !== undefined,
      (chunk) => this.#passRequest(chunk),
    );
    this.#replies = new Lane(
      client,
      () => switches.holdReplies,
      () => 0,
    );

    client.on("data", (chunk) =>
      this.#requests.push(chunk, lateness(switches.delay, "requestsMs")),
    );
    this.#upstream.on("data", (chunk) => this.#onReply(chunk));
    client.on("close", () => this.#requests.finish(() => this.#end()));
    this.#upstream.on("close", () => this.#replies.finish(() => this.#end()));
    this.#upstream.on("error", () => {});
  }

  pump() {
    this.#requests.pump();
    this.#replies.pump();
  }

  /** Resets both sides; what was held is lost. */
  cut() {
    if (this.#ended) return;
    this.#client.resetAndDestroy();
    this.#upstream.destroy();
    this.#forget();
  }

  /** One side has closed and its last chunks are delivered: closes the other in peace. */
  #end() {
    if (this.#ended) return;
    this.#client.destroySoon();
    this.#upstream.destroySoon();
    this.#forget();
  }

  #forget() {
    this.#ended = true;
    this.#requests.drop();
    this.#replies.drop();
    this.#onEnd();
  }

  /**
   * Decides about the request at the head of its lane.
   *
   * @param {Buffer} chunk
   * @returns {number} 0 to forward now, or milliseconds to wait before asking again
   */
  #passRequest(chunk) {
    const { armed } = this.#switches;
    if (armed === undefined || !armed.match(chunk)) return 0;
    const quietMs = performance.now() - this.#lastReplyMs;
    if (quietMs < QUIET_MS) return QUIET_MS - quietMs;
    this.#switches.armed = undefined;
    this.#awaited = armed.cut;
    return 0;
  }

  /** @param {Buffer} chunk */
  #onReply(chunk) {
    this.#lastReplyMs = performance.now();
    const { dropProbability, random, delay } = this.#switches;
    if (this.#awaited !== undefined) {
      this.cut();
      this.#awaited();
    } else if (dropProbability > 0 && random() < dropProbability) {
      this.cut();
    } else {
      this.#replies.push(chunk, lateness(delay, "repliesMs"));
    }
  }
}

/**
 * What one chunk waits. A chunk never overtakes: one that drew less waits for those before it.
 *
 * @param {Delay} delay
 * @param {"requestsMs" | "repliesMs"} way
 */
function lateness(delay, way) {
  const { jitterMs = 0, random = Math.random } = delay;
  return (delay[way] ?? 0) + (jitterMs > 0 ? random() * jitterMs : 0);
}

/** A queue of chunks towards one socket. */
class Lane {
  /** @type {{ chunk: Buffer, dueMs: number }[]} */
  #queue = [];
  #socket;
  #held;
  #gate;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  /** @type {(() => void) | undefined} */
  #finished;

  /**
   * @param {Socket} socket
   * @param {() => boolean} held
   * @param {(chunk: Buffer) => number} gate see `#passRequest`
   */
  constructor(socket, held, gate) {
    this.#socket = socket;
    this.#held = held;
    this.#gate = gate;
  }

  /**
   * @param {Buffer} chunk
   * @param {number} delayMs
   */
  push(chunk, delayMs) {
    this.#queue.push({ chunk, dueMs: performance.now() + delayMs });
    this.pump();
  }

  pump() {
    clearTimeout(this.#timer);
    for (let head = this.#queue[0]; head !== undefined; head = this.#queue[0]) {
      if (this.#held()) return;
      const delayMs = head.dueMs - performance.now();
      const waitMs = delayMs > 0 ? delayMs : this.#gate(head.chunk);
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.pump(), Math.ceil(waitMs));
        return;
      }
      this.#queue.shift();
      this.#socket.write(head.chunk);
    }
    this.#finished?.();
  }

  /**
   * The sender is gone: deliver what is left, then call back.
   *
   * @param {() => void} callback
   */
  finish(callback) {
    this.#finished = callback;
    this.pump();
  }

  drop() {
    clearTimeout(this.#timer);
    this.#queue.length = 0;
    this.#finished = undefined;
  }
}
