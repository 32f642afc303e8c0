/**
 * A member's mail: its ballots out to the bus, the others' in.
 *
 * Each member hears two subjects, one that all hear and one of its own. What arrives is read as a
 * stranger's: size, shape and sender are judged before a machine sees it. What goes out is watched:
 * a message that the bus refuses, or has not taken within `answerMs`, counts as unsent, so that a
 * member that is cut off does not take the silence for consent.
 */
import {
  type ErrorCode,
  isQuorateError,
  type Message,
  type MessageBus,
  type Ms,
  type Subscription,
  type Time,
} from "@quorate/core";
import { type Ballot, type Envelope, readBallot, writeBallot } from "./ballot.ts";

/** Whom mail is for, and who is told. */
export interface Mailbox {
  readonly bus: MessageBus;
  readonly time: Time;
  /** Before the ends of subjects. */
  readonly subject: string;
  readonly self: string;
  readonly life: string;
  readonly answerMs: Ms;
  onEnvelope(envelope: Envelope): void;
  onUnreadable(reason: string): void;
  /** The bus took the last message, or did not. */
  onSent(failure: ErrorCode | "UNKNOWN" | undefined): void;
}

/** Most messages that the bus has been given and has not taken; further ones are dropped. */
const MAX_SENDING = 64;

/** One member's mail. */
export class Mail {
  readonly #box: Mailbox;
  readonly #sending = new Map<number, Ms>();
  #subscriptions: readonly Subscription[] = [];
  #sent = 0;

  constructor(box: Mailbox) {
    this.#box = box;
  }

  /** Hears from now on. @throws the bus's error; then nothing is heard. */
  async open(signal: AbortSignal | undefined): Promise<void> {
    const { bus, subject, self } = this.#box;
    const hear = (message: Message): void => this.#hear(message);
    const everybody = await bus.subscribe(`${subject}/all`, hear, { signal });
    try {
      this.#subscriptions = [
        everybody,
        await bus.subscribe(`${subject}/to/${self}`, hear, { signal }),
      ];
    } catch (error) {
      await everybody.close();
      throw error;
    }
  }

  /** Hears no more. Never rejects. */
  async close(): Promise<void> {
    const closing = this.#subscriptions.map((subscription) => subscription.close());
    this.#subscriptions = [];
    await Promise.allSettled(closing);
  }

  /** To one member, or to all. Resolves when the bus has taken it or refused. Never rejects. */
  async send(to: string | undefined, ballot: Ballot): Promise<void> {
    const { time, onSent } = this.#box;
    if (this.#sending.size >= MAX_SENDING) return onSent("STORE_UNAVAILABLE");
    const id = (this.#sent += 1);
    this.#sending.set(id, time.monotonicMs());
    const failure = await this.#publish(to, ballot);
    this.#sending.delete(id);
    onSent(failure);
  }

  /** Whether a message waits for longer than an answer to it may take. */
  get isStuck(): boolean {
    const [oldestMs] = this.#sending.values();
    const { time, answerMs } = this.#box;
    return oldestMs !== undefined && time.monotonicMs() - oldestMs >= answerMs;
  }

  async #publish(
    to: string | undefined,
    ballot: Ballot,
  ): Promise<ErrorCode | "UNKNOWN" | undefined> {
    const { bus, subject, self: from, life } = this.#box;
    const target = to === undefined ? `${subject}/all` : `${subject}/to/${to}`;
    try {
      await bus.publish(target, writeBallot({ from, life, ballot }));
      return undefined;
    } catch (error) {
      return isQuorateError(error) ? error.code : "UNKNOWN";
    }
  }

  #hear({ data }: Message): void {
    const read = readBallot(data);
    if (read.ok) this.#box.onEnvelope(read.envelope);
    else this.#box.onUnreadable(read.reason);
  }
}
