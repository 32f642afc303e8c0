/**
 * Interval tree clock: causality for a group whose members come and go, without node ids.
 *
 * A vector clock needs a name for each process, and keeps it for ever. Here a process owns a part
 * of the interval [0, 1): whoever lets another one in gives it half of its own part (`fork`), and
 * whoever leaves gives its part back (`join`). Both are local: no registry, no names, and the
 * stamp becomes small again when processes leave.
 *
 * Guarantees: `compare` answers happened-before exactly, among stamps that descend from one seed
 * by these operations, each stamp used once (an operation consumes the stamp it was called on).
 * Every stamp is immutable and in normal form.
 *
 * HAZARD: a stamp that is dropped without `join` (a crash) takes its part of the interval with it
 * for ever. Nothing becomes wrong, but the tree stays split there, and each fork after it cuts
 * deeper: stamps grow. Where processes crash often, use a vector clock with an id per life.
 * HAZARD: a stamp used twice (a restored backup, a retry that forked already) makes two processes
 * own one part, and their events look like one process's. `join` refuses two that overlap; nothing
 * else can see it.
 *
 * Almeida, Baquero, Fonte, "Interval Tree Clocks: A Logical Clock for Dynamic Systems", OPODIS
 * 2008. Where we leave it: depth and counts are bounded.
 */
import { invalidArgument } from "@quorate/core";
import type { Causality } from "../vector/entries.ts";
import { addEvent, type EventTree, formatEvents, joinEvents, leq } from "./event-tree.ts";
import { formatId, type IdTree, split, sum } from "./id-tree.ts";
import { decodeTrees, encodeTrees } from "./tree-codec.ts";

/**
 * A process's part of the interval, and the events it knows of.
 *
 * @example
 * import { TreeStamp } from "@quorate/clock";
 * let [alice, bob] = TreeStamp.seed().fork();
 * alice = alice.event();
 * bob = bob.event();
 * console.log(alice.compare(bob)); // => concurrent
 * const [message, aliceAfter] = alice.send();
 * bob = bob.receive(message);
 * console.log(aliceAfter.compare(bob)); // => before
 */
export class TreeStamp {
  readonly #id: IdTree;
  readonly #events: EventTree;

  private constructor(id: IdTree, events: EventTree) {
    this.#id = id;
    this.#events = events;
  }

  /** The first stamp of a system: owns everything, has seen nothing. Call it once per system. */
  static seed(): TreeStamp {
    return new TreeStamp(1, 0);
  }

  /** True for a message's stamp: it owns nothing, and can have no events of its own. */
  get isAnonymous(): boolean {
    return this.#id === 0;
  }

  /**
   * Two stamps with this one's past and half of its part each: one for this process, one for the
   * process that joins. Use neither this stamp nor a half twice.
   *
   * @throws INVALID_ARGUMENT this stamp is anonymous. TOO_LARGE too many forks in a row.
   */
  fork(): [TreeStamp, TreeStamp] {
    this.#assertNamed("fork");
    const [first, second] = split(this.#id);
    return [new TreeStamp(first, this.#events), new TreeStamp(second, this.#events)];
  }

  /**
   * This process after one more event.
   *
   * @throws INVALID_ARGUMENT this stamp is anonymous. TOO_LARGE 2⁵³ - 1 events are over.
   */
  event(): TreeStamp {
    this.#assertNamed("have events");
    return new TreeStamp(this.#id, addEvent(this.#id, this.#events));
  }

  /**
   * The past and the parts of both: `other` leaves, or was a message.
   *
   * @throws INVALID_ARGUMENT the parts overlap: one of the two was used twice.
   */
  join(other: TreeStamp): TreeStamp {
    const { id, events } = TreeStamp.#partsOf("other", other);
    return new TreeStamp(sum(this.#id, id), joinEvents(this.#events, events));
  }

  /** A stamp with this one's past that owns nothing: for messages and for reading. */
  peek(): TreeStamp {
    return new TreeStamp(0, this.#events);
  }

  /** An event, its stamp for the message, and this process after it. */
  send(): [message: TreeStamp, self: TreeStamp] {
    const self = this.event();
    return [self.peek(), self];
  }

  /**
   * This process after receiving a message stamped `message`, which is an event.
   *
   * @throws INVALID_ARGUMENT `message` is not anonymous: send what `send` or `peek` returned.
   */
  receive(message: TreeStamp): TreeStamp {
    if (TreeStamp.#partsOf("message", message).id !== 0) {
      throw invalidArgument("message", "a stamp with an id", "what send() or peek() returned");
    }
    return this.join(message).event();
  }

  /** True if everything that this stamp has seen, `other` has seen. */
  leq(other: TreeStamp): boolean {
    return leq(this.#events, TreeStamp.#partsOf("other", other).events);
  }

  /** How the pasts of the two stand to each other; ids play no part. */
  compare(other: TreeStamp): Causality {
    const { events } = TreeStamp.#partsOf("other", other);
    const isBefore = leq(this.#events, events);
    const isAfter = leq(events, this.#events);
    if (isBefore) return isAfter ? "equal" : "before";
    return isAfter ? "after" : "concurrent";
  }

  /** The paper's bits, padded with zeros to whole bytes. One form per stamp. */
  encode(): Uint8Array {
    return encodeTrees(this.#id, this.#events);
  }

  /**
   * Reverses `encode` of anybody.
   *
   * @throws INVALID_ARGUMENT for what `encode` never makes.
   * @throws TOO_LARGE longer than 64 KiB, deeper than 1024, or counts beyond 2⁵³ - 1.
   */
  static decode(bytes: Uint8Array): TreeStamp {
    const { id, events } = decodeTrees(bytes);
    return new TreeStamp(id, events);
  }

  /** `((1, 0), (0, 1, 0))`: id, then events, as the paper writes them. */
  toString(): string {
    return `(${formatId(this.#id)}, ${formatEvents(this.#events)})`;
  }

  #assertNamed(what: string): void {
    if (this.#id !== 0) return;
    throw invalidArgument("this", "an anonymous stamp", `a stamp of a process to ${what}`);
  }

  /** The private halves of another stamp, from whatever hands it in. */
  static #partsOf(option: string, stamp: TreeStamp): { id: IdTree; events: EventTree } {
    if (typeof stamp === "object" && stamp !== null && #id in stamp) {
      return { id: stamp.#id, events: stamp.#events };
    }
    throw invalidArgument(option, stamp, "a TreeStamp");
  }
}
