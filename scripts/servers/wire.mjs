/**
 * Just enough Redis, NATS and PostgreSQL protocol to ask a server whether it is ready, and to
 * build clusters.
 *
 * Written here, not taken from the clients, because `npm test` must start servers before anything
 * is installed, and because a rig should not share a bug with the code that it judges.
 */
import { connect } from "node:net";

import { held } from "./child.mjs";

const ANSWER_TIMEOUT_MS = 2_000;

/**
 * Sends one Redis command over a connection of its own.
 *
 * @param {number} port
 * @param {...(string | number)} words
 * @returns {Promise<any>} the reply; rejects on an error reply
 */
export function redisCommand(port, ...words) {
  const parts = words.map(String);
  const text = parts.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("");
  return converse(port, `*${parts.length}\r\n${text}`, (received) => {
    const reply = parseReply(received, 0);
    if (reply?.value instanceof Error) throw reply.value;
    return reply;
  });
}

/**
 * Parses one RESP2 reply that begins at `at`; undefined while bytes are missing.
 *
 * @param {Buffer} bytes
 * @param {number} at
 * @returns {{ value: any, next: number } | undefined}
 */
function parseReply(bytes, at) {
  const lineEnd = bytes.indexOf("\r\n", at);
  if (lineEnd < 0) return undefined;
  const rest = bytes.toString("utf8", at + 1, lineEnd);
  const next = lineEnd + 2;
  switch (String.fromCharCode(bytes[at] ?? 0)) {
    case "+":
      return { value: rest, next };
    case "-":
      return { value: new Error(rest), next };
    case ":":
      return { value: Number(rest), next };
    case "$": {
      const length = Number(rest);
      if (length < 0) return { value: null, next };
      if (bytes.length < next + length + 2) return undefined;
      return { value: bytes.toString("utf8", next, next + length), next: next + length + 2 };
    }
    case "*":
      return parseArray(bytes, next, Number(rest));
    default:
      throw new Error(`not a Redis reply: ${bytes.toString("utf8", at, at + 40)}`);
  }
}

/**
 * @param {Buffer} bytes
 * @param {number} at
 * @param {number} count
 */
function parseArray(bytes, at, count) {
  const value = [];
  let next = at;
  for (let index = 0; index < count; index++) {
    const item = parseReply(bytes, next);
    if (item === undefined) return undefined;
    value.push(item.value);
    next = item.next;
  }
  return { value, next };
}

/**
 * Resolves when a NATS server has taken a client: INFO, CONNECT, PING, PONG.
 *
 * @param {number} port
 */
export function natsPing(port) {
  const greeting = `CONNECT {"verbose":false,"pedantic":false}\r\nPING\r\n`;
  return converse(port, greeting, (received) => {
    const text = received.toString("utf8");
    if (text.includes("-ERR")) throw new Error(text.trim());
    return text.includes("PONG\r\n") ? { value: true } : undefined;
  });
}

/**
 * One request to a JetStream API subject; resolves to the decoded answer.
 *
 * @param {number} port
 * @param {string} subject
 * @param {string} [payload]
 * @returns {Promise<any>}
 */
export function natsApi(port, subject, payload = "") {
  const inbox = `_INBOX.quorate-rig`;
  const request =
    `CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\n` +
    `SUB ${inbox} 1\r\nPUB ${subject} ${inbox} ${Buffer.byteLength(payload)}\r\n${payload}\r\n`;
  return converse(port, request, (received) => {
    const text = received.toString("utf8");
    if (/^HMSG .*\r\nNATS\/1\.0 503/m.test(text)) throw new Error("no responders");
    const message = /^MSG \S+ 1 (?:\S+ )?(\d+)\r\n/m.exec(text);
    if (message === null) return undefined;
    const from = message.index + message[0].length;
    const body = text.slice(from, from + Number(message[1]));
    return body.length < Number(message[1]) ? undefined : { value: JSON.parse(body) };
  });
}

/**
 * Runs SQL over a PostgreSQL connection of its own, which needs no password.
 *
 * @param {number} port
 * @param {string} sql
 * @returns {Promise<(string | null)[][]>} rows; rejects on an error, so also while it starts
 */
export function postgresQuery(port, sql) {
  const startup = Buffer.from("\0\x03\0\0user\0postgres\0database\0postgres\0\0");
  const query = Buffer.from(`${sql}\0`);
  const request = Buffer.concat([
    lengthOf(startup),
    startup,
    Buffer.from("Q"),
    lengthOf(query),
    query,
  ]);
  return converse(port, request, (received) => {
    const rows = [];
    let ready = 0;
    for (let at = 0; at + 5 <= received.length;) {
      const end = at + 1 + received.readInt32BE(at + 1);
      if (end > received.length) return undefined;
      const kind = String.fromCharCode(received[at] ?? 0);
      const body = received.subarray(at + 5, end);
      if (kind === "E") throw new Error(body.toString("utf8").replaceAll("\0", " "));
      if (kind === "D") rows.push(columnsOf(body));
      // Once for the startup, once for the query.
      if (kind === "Z" && (ready += 1) === 2) return { value: rows };
      at = end;
    }
    return undefined;
  });
}

/**
 * The length that stands before a message; it counts itself.
 *
 * @param {Buffer} message
 */
function lengthOf(message) {
  const length = Buffer.alloc(4);
  length.writeInt32BE(message.length + 4);
  return length;
}

/** @param {Buffer} row */
function columnsOf(row) {
  const columns = [];
  for (let at = 2; at < row.length;) {
    const length = row.readInt32BE(at);
    at += 4;
    columns.push(length < 0 ? null : row.toString("utf8", at, at + length));
    at += Math.max(0, length);
  }
  return columns;
}

/**
 * Connects, sends `text` and feeds what arrives to `parse` until it answers.
 *
 * @param {number} port
 * @param {string | Buffer} text
 * @param {(received: Buffer) => { value: any } | undefined} parse
 * @returns {Promise<any>}
 */
function converse(port, text, parse) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let received = Buffer.alloc(0);
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy(new Error(`port ${port} is silent`)));
    socket.once("connect", () => socket.write(text));
    socket.once("error", reject);
    socket.once("close", () => reject(new Error(`port ${port} closed the connection`)));
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      try {
        const answer = parse(received);
        if (answer === undefined) return;
        resolve(answer.value);
      } catch (error) {
        reject(error);
      }
      socket.destroy();
    });
  });
}

/**
 * Asks again until `probe` answers true, or throws with `what` and the last error.
 *
 * @param {string} what
 * @param {() => Promise<boolean>} probe
 * @param {{ timeoutMs?: number, everyMs?: number, gaveUp?: () => string | undefined }} [options]
 *   `gaveUp` ends the wait early with a reason, for a server that died meanwhile
 */
export async function until(what, probe, { timeoutMs = 15_000, everyMs = 10, gaveUp } = {}) {
  const deadlineMs = performance.now() + timeoutMs;
  let last = "no answer";
  for (;;) {
    try {
      if (await probe()) return;
    } catch (error) {
      last = /** @type {Error} */ (error).message;
    }
    const reason = gaveUp?.();
    if (reason !== undefined) throw new Error(`${what}: ${reason}`);
    if (performance.now() > deadlineMs) {
      throw new Error(`${what}: not within ${timeoutMs} ms (${last})`);
    }
    await held(new Promise((resolve) => setTimeout(resolve, everyMs)));
  }
}
