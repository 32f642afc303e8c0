/**
 * A server's side of packed requests: each is handed over as if it had come alone.
 *
 * Guarantees: answers that are ready soon go back together, as the answer of their frame; others
 * go to the client's subject for late answers, those of one turn together. An answer too large to
 * travel with others travels alone. Nothing that arrives can throw here.
 */
import { type Deferred, deferred } from "@quorate/core";
import type { Message, MessageBus, Ms, Runtime, Timer } from "@quorate/core";
import { answersSubject } from "../subjects.ts";
import {
  isPackedRequests,
  MAX_PACKED_BYTES,
  packAnswers,
  type PackedAnswer,
  type PackedRequests,
  unpackRequests,
} from "./frame.ts";
import { Turns } from "./turns.ts";

/** How long the answer of a frame waits for those that are not ready. */
const PATIENCE_MS: Ms = 1;

/** What an unpacker is made of. */
export interface UnpackerParts {
  readonly bus: MessageBus;
  readonly runtime: Pick<Runtime, "time">;
  /** Takes one request. Must not throw. */
  readonly handle: (message: Message) => void;
}

/** Takes messages of a server's subjects, packed or bare. */
export class Unpacker {
  readonly #parts: UnpackerParts;
  readonly #turns: Turns;

  constructor(parts: UnpackerParts) {
    this.#parts = parts;
    this.#turns = new Turns(parts.runtime);
  }

  /** A message. Never throws. */
  readonly onMessage = (message: Message): void => {
    const { data, respond } = message;
    if (respond === undefined || !isPackedRequests(data)) return this.after(message);
    const packed = unpackRequests(data);
    // What is no frame is no request either, and is told so where those are.
    if (packed === undefined) return this.after(message);
    this.#turns.take(() => this.#unpack(packed, message, respond));
  };

  /** Hands over what is no frame, behind the frames that came before it. */
  after(message: Message, handle: (message: Message) => void = this.#parts.handle): void {
    this.#turns.after(() => handle(message));
  }

  /** Hands over what waits for its turn, at once. */
  drain(): void {
    this.#turns.drain();
  }

  #unpack(packed: PackedRequests, { headers, subject }: Message, respond: Respond): void {
    const { messages, number, sender } = packed;
    const answers = new Answers(this.#parts, { number, sender, count: messages.length, respond });
    messages.forEach((data, place) => {
      const answer = (bytes: Uint8Array): Promise<void> => answers.add(place, bytes);
      this.#parts.handle({ subject, headers, data, respond: answer });
    });
    answers.wait();
  }
}

type Respond = NonNullable<Message["respond"]>;

interface Asking {
  readonly number: number;
  readonly sender: string;
  readonly count: number;
  readonly respond: Respond;
}

/** The answers of one frame. */
class Answers {
  readonly #parts: UnpackerParts;
  readonly #asking: Asking;
  /** Settles with the sending of the frame's answer. */
  readonly #answered: Deferred<void> = deferred();
  #ready: PackedAnswer[] = [];
  #open: number;
  #timer: Timer | undefined = undefined;
  /** The frame was answered: what comes now is late. */
  #isLate = false;
  /** Late answers of this turn leave with this. */
  #leaving: Promise<void> | undefined = undefined;

  constructor(parts: UnpackerParts, asking: Asking) {
    this.#parts = parts;
    this.#asking = asking;
    this.#open = asking.count;
    this.#answered.promise.catch(() => {}); // Whoever answers hears of it.
  }

  /** Answers one request; rejects where the bus does not take it. */
  add(place: number, bytes: Uint8Array): Promise<void> {
    if (bytes.byteLength > MAX_PACKED_BYTES) return this.#publish([{ place, bytes }]);
    this.#ready.push({ place, bytes });
    if (this.#isLate) return (this.#leaving ??= this.#leave());
    this.#open -= 1;
    if (this.#open === 0) this.#respond();
    return this.#answered.promise;
  }

  /** All requests were handed over. */
  wait(): void {
    if (this.#isLate) return;
    const { time } = this.#parts.runtime;
    this.#timer = time.setTimer(PATIENCE_MS, () => this.#respond(), { keepAlive: false });
  }

  /** Answers the frame with what is ready; what is not will be late. */
  #respond(): void {
    this.#isLate = true;
    this.#timer?.cancel();
    const { number, respond } = this.#asking;
    const { reject, resolve } = this.#answered;
    respond(packAnswers(number, this.#take())).then(resolve, reject);
  }

  /** After this turn, with all that is ready by then. */
  async #leave(): Promise<void> {
    await Promise.resolve(); // The rest of the turn.
    this.#leaving = undefined;
    return this.#publish(this.#take());
  }

  #publish(answers: readonly PackedAnswer[]): Promise<void> {
    const { number, sender } = this.#asking;
    return this.#parts.bus.publish(answersSubject(sender), packAnswers(number, answers));
  }

  #take(): readonly PackedAnswer[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }
}
