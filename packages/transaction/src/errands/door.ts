/**
 * The door for errands: a process that serves definitions hears operators' verbs for their sagas,
 * and carries them out with the operator's name and reason.
 *
 * One subject per definition and shape, shared by all who serve it: each errand goes to one of
 * them, whoever drives the saga. The write is a compare-and-set, and the driver hears of it by a
 * nudge, as if the operator had been in this process.
 *
 * Guarantees: an errand is carried out at most once, since the bus hands it over at most once, and
 * answered with what became of it. One at a time per definition; what is too long or is none of
 * ours changes nothing. Does not guarantee that the answer arrives: the asker's wait then ends in
 * TIMEOUT, and the saga's audit says what happened.
 *
 * Whoever may publish in the namespace may send errands: see `docs/decisions/0019`.
 */
import type { Backend, Message } from "@quorate/core";
import { listen } from "../kernel/listen.ts";
import type { SagaModel } from "../saga/model.ts";
import type { SagaControl } from "../saga/sagas.ts";
import { wrongStateError } from "../saga/errors.ts";
import { decodeErrand, type Errand, runErrand, subjectOf } from "./errand.ts";
import { encodeReply, failure, type Reply, unreadable } from "./reply.ts";

const QUEUE = "errands";

/** What the door needs of its house. */
export interface DoorOptions {
  readonly backend: Backend;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** The saga `id`, with verbs that are carried out here. */
  find(id: string): Promise<SagaControl | undefined>;
}

/** Hears errands. */
export class Door {
  readonly #options: DoorOptions;
  readonly #open = new Set<string>();

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  /** Hears those for `models` too. Returns at once; the bus is asked until it listens. */
  open(models: Iterable<Pick<SagaModel, "name" | "version" | "hash">>): void {
    const { backend, signal } = this.#options;
    for (const { name: saga, version, hash } of models) {
      const subject = subjectOf({ saga, version, hash });
      if (this.#open.has(subject)) continue;
      this.#open.add(subject);
      const listening = { subject, queue: QUEUE, signal };
      void listen(backend, listening, (message) => this.#heard(message));
    }
  }

  async #heard({ data, respond }: Message): Promise<void> {
    // Without somebody who waits it is no errand, and nobody would hear what became of it.
    if (respond === undefined) return;
    const found = decodeErrand(data);
    const reply = found.ok ? await this.#carryOut(found.errand) : unreadable(found.reason);
    await respond(encodeReply(reply)).catch(() => {}); // Whoever asked sees a TIMEOUT.
  }

  async #carryOut(errand: Errand): Promise<Reply> {
    try {
      const control = await this.#options.find(errand.id);
      if (control === undefined) throw wrongStateError(errand.id, errand.deed.verb, "gone");
      await runErrand(control, errand);
      return { ok: true };
    } catch (error) {
      return failure(error);
    }
  }
}
