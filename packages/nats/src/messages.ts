/**
 * Messages of the stream: read the last one of a subject, store one, remove one.
 *
 * Reads go to the stream's leader (`STREAM.MSG.GET`), never to a replica. Storing is one
 * publication with everything a retry needs: the sequence that must still be the subject's last
 * (compare-and-set), and an operation id that the server remembers for two minutes, so that asking
 * again after silence stores nothing twice and answers as the first time.
 */
import type { Ms, Runtime } from "@quorate/core";
import { isQuorateError } from "@quorate/core";
import type { Budget } from "./budget.ts";
import { recordInvalid, refused, unavailable } from "./failures.ts";
import { HEADER_ROOM_BYTES, wireHeaders, type WireHeaders } from "./headers.ts";
import { asNumber, ErrCode, isTemporary, parseAnswer } from "./jetstream/answers.ts";
import { ATTEMPT_MS, BACKOFF, type JetStreamApi } from "./jetstream/api.ts";
import type { Answer, Exchange } from "./link/exchange.ts";
import type { Link } from "./link/link.ts";
import type { Mark } from "./positions.ts";
import { type NewRecord, readStored, recordHeaders, type StoredRecord } from "./record.ts";
import type { ReadServerTime, ServerClock } from "./server-clock.ts";
import type { Stream } from "./stream.ts";
import type { Subjects } from "./subjects.ts";

/** A message to store. */
export interface Publication {
  readonly subject: string;
  readonly record: NewRecord;
  readonly value: Uint8Array;
  /** Sequence of the subject's last message; 0: there is none. */
  readonly expectSeq: number;
  /** Remembered by the server; unique to operation and key. */
  readonly messageId: string;
  readonly operation: string;
  readonly budget: Budget;
}

/**
 * What became of a publication. `doubt`: an earlier attempt went unanswered, so a no proves
 * nothing, and a duplicate is that attempt.
 */
export type Published =
  | {
      readonly kind: "stored";
      readonly seq: number;
      readonly duplicate: boolean;
      readonly doubt: boolean;
      readonly mark: Mark;
    }
  | { readonly kind: "conflict"; readonly doubt: boolean }
  | { readonly kind: "none"; readonly why: string }
  | { readonly kind: "unknown"; readonly why: string };

/** What messages are made of. */
export interface MessagesParts {
  readonly api: JetStreamApi;
  readonly exchange: Exchange;
  readonly link: Link;
  readonly stream: Stream;
  readonly subjects: Subjects;
  readonly clock: ServerClock;
  readonly runtime: Runtime;
}

/** What an attempt to publish came to: the end, or a reason to try again. */
type Attempt =
  | { readonly kind: "end"; readonly published: Published }
  | {
      readonly kind: "again";
      readonly why: string;
      readonly doubt: boolean;
      readonly wait: boolean;
    };

/** Reads and stores messages. */
export class Messages {
  readonly #parts: MessagesParts;

  constructor(parts: MessagesParts) {
    this.#parts = parts;
  }

  /** The last message of `subject`; `key` is for messages. */
  async last(
    subject: string,
    call: { readonly key: string; readonly operation: string; readonly budget: Budget },
  ): Promise<StoredRecord | undefined> {
    const { api, stream, subjects } = this.#parts;
    for (;;) {
      const answer = await api.request({
        subject: `STREAM.MSG.GET.${subjects.streamName}`,
        body: { last_by_subj: subject },
        operation: call.operation,
        budget: call.budget,
      });
      if (answer.kind === "ok") {
        const result = readStored(answer.body);
        if (result.kind === "invalid") throw recordInvalid(call.key, result.reason);
        stream.positions.observeSeq(result.record.seq);
        return result.record;
      }
      if (answer.error.errCode === ErrCode.messageNotFound) return undefined;
      if (answer.error.errCode !== ErrCode.streamNotFound) {
        throw refused(call.operation, `${answer.error.description} (${answer.error.errCode})`);
      }
      await stream.look(call.budget, call.operation);
    }
  }

  /** Stores, asking again with the same id while nobody says yes or no and there is time. */
  async publish(publication: Publication): Promise<Published> {
    const { link, stream } = this.#parts;
    const { budget, operation } = publication;
    const headers = this.#headers(publication);
    const mark = stream.positions.mark();
    let why = "no connection to a NATS server";
    let doubt = false;
    let backoffMs: number = BACKOFF.firstMs;
    while (budget.open) {
      if (!(await link.whenUp(budget.leftMs, budget.signal))) break;
      const answer = await this.#ask(publication, headers);
      if (answer.kind === "no-responders") {
        // No leader, or no stream: looking tells which, and makes it anew.
        await stream.look(budget, operation).catch((error: unknown) => {
          // What waiting does not cure ends it; but not an attempt that may have been taken.
          if (!doubt && isQuorateError(error) && !error.retryable) throw error;
        });
      }
      const attempt = this.#judge(answer, { operation, doubt, mark });
      if (attempt.kind === "end") return attempt.published;
      ({ why } = attempt);
      doubt ||= attempt.doubt;
      if (!attempt.wait) continue;
      await budget.pause(backoffMs);
      backoffMs = Math.min(backoffMs * 2, BACKOFF.longestMs);
    }
    return doubt ? { kind: "unknown", why } : { kind: "none", why };
  }

  /**
   * Sequence under which a publication with this id was stored, if the server remembers it.
   *
   * Asked by publishing something harmless under the same id: it is called a duplicate, and told
   * with the sequence of the first. `undefined` proves nothing: a server that was restarted has
   * forgotten ids of messages that were written over.
   */
  async findStored(messageId: string, budget: Budget): Promise<number | undefined> {
    const { exchange, link, runtime, subjects } = this.#parts;
    if (!(await link.whenUp(budget.leftMs, budget.signal))) return undefined;
    const headers = wireHeaders([
      ["Q-Op", runtime.ids.operation()],
      ["Nats-Msg-Id", messageId],
    ]);
    const timeoutMs = Math.max(1, Math.min(budget.leftMs, ATTEMPT_MS));
    const { signal } = budget;
    const question = { subject: subjects.clock, data: EMPTY, headers, timeoutMs, signal };
    const answer = await exchange.ask(question);
    if (answer.kind !== "message") return undefined;
    const ack = parseAnswer(answer.message.data);
    if (ack.kind !== "ok" || ack.body["duplicate"] !== true) return undefined;
    return asNumber(ack.body["seq"]) || undefined;
  }

  /** Removes the message with that sequence, if it is still there: a delete with a condition. */
  async remove(seq: number, budget: Budget): Promise<boolean> {
    const answer = await this.#parts.api.request({
      subject: `STREAM.MSG.DELETE.${this.#parts.subjects.streamName}`,
      body: { seq, no_erase: true },
      operation: "stream sweep",
      budget,
    });
    return answer.kind === "ok";
  }

  /** The server's time, by a reading no older than `maxAgeMs`. */
  serverNowMs(budget: Budget, maxAgeMs?: Ms): Promise<Ms> {
    const read: ReadServerTime = () => this.#readClock(budget);
    return this.#parts.clock.nowMs(read, maxAgeMs);
  }

  /**
   * Servers from 2.10 say the time when the stream is looked at; of older ones it is learnt by
   * storing a message and reading its stamp.
   */
  async #readClock(budget: Budget): Promise<Ms> {
    const { clock, exchange, runtime, stream, subjects } = this.#parts;
    const operation = "server clock";
    const askedMs = runtime.time.monotonicMs();
    if (stream.facts?.tellsTime === true) {
      await stream.look(budget, operation);
      const toldMs = clock.estimateMs();
      const sinceMs = runtime.time.monotonicMs() - askedMs;
      if (toldMs !== undefined && clock.ageMs <= sinceMs) return toldMs;
    }
    const headers = wireHeaders([["Q-Op", runtime.ids.operation()]]);
    const { signal } = budget;
    const timeoutMs = Math.max(1, Math.min(budget.leftMs, ATTEMPT_MS));
    const question = { subject: subjects.clock, data: EMPTY, headers, timeoutMs, signal };
    const answer = await exchange.ask(question);
    const storedMs = runtime.time.monotonicMs();
    const seq = answer.kind === "message" ? ackedSeq(answer.message.data) : undefined;
    const last = await this.last(subjects.clock, { key: subjects.clock, operation, budget });
    if (seq === undefined || last === undefined || last.seq < seq) {
      throw unavailable(operation, "the server's clock could not be read");
    }
    // The stamp was set before the acknowledgement came, so this is never ahead. A younger
    // message is another process's reading: as good, but for when it came.
    const sinceMs = last.seq === seq ? runtime.time.monotonicMs() - storedMs : 0;
    return last.stampMs + sinceMs;
  }

  #ask(publication: Publication, headers: WireHeaders): Promise<Answer> {
    const { budget, subject, value } = publication;
    return this.#parts.exchange.ask({
      subject,
      data: value,
      headers,
      timeoutMs: Math.min(budget.leftMs, ATTEMPT_MS),
      signal: budget.signal,
    });
  }

  #judge(
    answer: Answer,
    facts: { readonly operation: string; readonly doubt: boolean; readonly mark: Mark },
  ): Attempt {
    const { doubt, operation } = facts;
    switch (answer.kind) {
      case "no-responders":
        return { kind: "again", why: "the stream has no leader", doubt: false, wait: true };
      case "not-sent":
        return { kind: "again", why: "not connected", doubt: false, wait: true };
      case "refused":
        throw refused(operation, answer.reason, doubt ? "unknown" : "none");
      case "silence":
        if (answer.why === "timeout") this.#parts.link.suspect();
        return { kind: "again", why: `no answer (${answer.why})`, doubt: true, wait: false };
      case "message":
        return this.#judgeAck(answer.message.data, { ...facts, sameLink: answer.sameLink });
    }
  }

  #judgeAck(
    data: Uint8Array,
    facts: {
      readonly operation: string;
      readonly doubt: boolean;
      readonly mark: Mark;
      readonly sameLink: boolean;
    },
  ): Attempt {
    const { doubt, mark, operation, sameLink } = facts;
    const answer = parseAnswer(data);
    if (answer.kind === "ok") {
      const seq = asNumber(answer.body["seq"]);
      if (seq === undefined)
        throw refused(operation, "an acknowledgement without sequence", "unknown");
      // Of a replicated stream: the first is still on its way through the quorum.
      if (seq === 0) return { kind: "again", why: "not yet stored", doubt: true, wait: true };
      this.#parts.stream.positions.observeSeq(seq);
      const duplicate = answer.body["duplicate"] === true;
      return { kind: "end", published: { kind: "stored", seq, duplicate, doubt, mark } };
    }
    const { errCode, description } = answer.error;
    if (errCode === ErrCode.wrongLastSequence || errCode === ErrCode.wrongLastSequenceConstant) {
      return { kind: "end", published: { kind: "conflict", doubt: doubt || !sameLink } };
    }
    if (!isTemporary(answer.error)) {
      throw refused(operation, `${description} (${errCode})`, doubt ? "unknown" : "none");
    }
    // Whether a leader that could not finish had begun, only the next answer tells.
    return { kind: "again", why: description, doubt: true, wait: true };
  }

  #headers(publication: Publication): WireHeaders {
    const { record, expectSeq, messageId } = publication;
    const sweep = this.#parts.stream.facts?.sweepsByTtl === true ? sweepAfterS(record) : undefined;
    return wireHeaders([
      ...recordHeaders(record),
      ["Nats-Expected-Stream", this.#parts.subjects.streamName],
      ["Nats-Expected-Last-Subject-Sequence", String(expectSeq)],
      ["Nats-Msg-Id", messageId],
      ...(sweep === undefined ? [] : [["Nats-TTL", `${sweep}s`] as const]),
    ]);
  }
}

function ackedSeq(data: Uint8Array): number | undefined {
  const answer = parseAnswer(data);
  return answer.kind === "ok" ? asNumber(answer.body["seq"]) : undefined;
}

const EMPTY = new Uint8Array(0);
/** Tombstones are kept this long, so that every watcher is told. */
export const TOMBSTONE_GRACE_MS = 30_000;

/** When the server may sweep a message up, in seconds: long after those who look have judged. */
function sweepAfterS(record: NewRecord): number | undefined {
  if (record.deleted) return (2 * TOMBSTONE_GRACE_MS) / 1_000;
  return record.ttlMs === undefined ? undefined : Math.ceil((2 * record.ttlMs) / 1_000) + 60;
}

/** Longest value that a server with this `max_payload` stores with our headers. */
export function longestValue(maxPayload: number, limit: number): number {
  return Math.max(0, Math.min(limit, maxPayload - HEADER_ROOM_BYTES));
}
