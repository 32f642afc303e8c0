/**
 * A bus whose every delivery is somebody else's choice.
 *
 * What is sent becomes a parcel and lies there until the explorer delivers it, to one member of a
 * queue or another, loses it, or sends it twice. Requests time out by their sender's own timers.
 */
import {
  type Message,
  type MessageBus,
  type MessageHandler,
  QuorateError,
  type Runtime,
} from "@quorate/core";

/** A process, as the wire and the time see it. */
export interface Node {
  readonly name: string;
  state: "live" | "paused" | "dead";
  readonly due: (() => void)[];
}

interface Member {
  readonly node: Node;
  readonly target: string;
  readonly queue: string | undefined;
  readonly handler: MessageHandler;
}

interface Waiting {
  readonly node: Node;
  readonly settle: (message: Message) => void;
  readonly fail: (error: unknown) => void;
}

/** Something on its way. */
export interface Parcel {
  readonly number: number;
  readonly kind: "request" | "answer" | "note";
  readonly subject: string;
  readonly data: Uint8Array;
  /** The request that this is, or answers. */
  readonly request: number;
  /** The only node that may get it; `undefined`: any that listens. */
  readonly only: Node | undefined;
  /** Who sent it. */
  readonly from: string;
}

/** All that is on its way between the nodes of one run. */
export class Wire {
  readonly parcels: Parcel[] = [];
  /** Requests that nobody answered in time. */
  timeouts = 0;
  /** Which node a life of a client belongs to. */
  readonly lives = new Map<string, string>();
  readonly #members: Member[] = [];
  readonly #waiting = new Map<number, Waiting>();
  #requests = 0;
  #sent = 0;

  /** Requests of living nodes that wait for an answer. */
  get waiting(): number {
    return [...this.#waiting.values()].filter(({ node }) => node.state === "live").length;
  }

  /** The bus as `node` sees it. */
  busOf(node: Node, { time }: Pick<Runtime, "time">): MessageBus {
    return {
      publish: async (subject, data) => {
        if (node.state === "live") this.#send(node, { kind: "note", subject, data, request: 0 });
      },
      subscribe: async (target, handler, options) => {
        const member: Member = { node, target, queue: options?.queue, handler };
        this.#members.push(member);
        const close = async (): Promise<void> => this.#drop((one) => one === member);
        return { subject: target, close, [Symbol.asyncDispose]: close };
      },
      request: (subject, data, { timeoutMs }) =>
        new Promise((settle, fail) => {
          const request = ++this.#requests;
          const { c: life } = JSON.parse(Buffer.from(data).toString()) as { readonly c: string };
          this.lives.set(life, node.name);
          const timer = time.setTimer(timeoutMs, () => {
            if (!this.#waiting.delete(request)) return;
            this.timeouts += 1;
            fail(noAnswer(subject, timeoutMs));
          });
          const over =
            <T>(next: (value: T) => void) =>
            (value: T): void => {
              timer.cancel();
              next(value);
            };
          this.#waiting.set(request, { node, settle: over(settle), fail: over(fail) });
          if (node.state === "live") this.#send(node, { kind: "request", subject, data, request });
        }),
    };
  }

  /** Who may get a request. */
  targetsOf({ subject, only }: Parcel): Node[] {
    const nodes = this.#members.flatMap(({ node, target }) => (target === subject ? [node] : []));
    return only === undefined ? nodes : nodes.filter((node) => node === only);
  }

  /** Hands a parcel over; a request to `to`, or to nobody where nobody listens. */
  deliver(parcel: Parcel, to?: Node): void {
    this.lose(parcel);
    const { subject, data, request } = parcel;
    if (parcel.kind === "answer") {
      const waiting = this.#take(request);
      return waiting?.settle({ subject, data, headers: {} });
    }
    const members = this.#members.filter(({ target }) => target === subject);
    if (parcel.kind === "note") {
      for (const { handler } of members) void handler({ subject, data, headers: {} });
      return;
    }
    const member = members.find(({ node }) => node === to);
    // A second copy that finds nobody says nothing of the first.
    if (member === undefined && parcel.only !== undefined) return;
    if (member === undefined) return this.#take(request)?.fail(nobody(subject));
    const respond = async (answer: Uint8Array): Promise<void> => {
      if (member.node.state !== "live") return;
      this.#send(member.node, { kind: "answer", subject, data: answer, request });
    };
    void member.handler({ subject, data, headers: {}, respond });
  }

  /** It never arrives. */
  lose(parcel: Parcel): void {
    const at = this.parcels.indexOf(parcel);
    if (at >= 0) this.parcels.splice(at, 1);
  }

  /** It is on its way a second time; `only`: to nobody else than this one. */
  duplicate(parcel: Parcel, only: Node | undefined): void {
    this.parcels.push({ ...parcel, number: ++this.#sent, only });
  }

  /** A node has died, and the broker knows. */
  forget(node: Node): void {
    this.#drop((member) => member.node === node);
  }

  #send(node: Node, parcel: Pick<Parcel, "kind" | "subject" | "data" | "request">): void {
    this.parcels.push({ ...parcel, number: ++this.#sent, only: undefined, from: node.name });
  }

  #take(request: number): Waiting | undefined {
    const waiting = this.#waiting.get(request);
    this.#waiting.delete(request);
    return waiting?.node.state === "live" ? waiting : undefined;
  }

  #drop(isMeant: (member: Member) => boolean): void {
    for (const member of this.#members.filter(isMeant)) {
      this.#members.splice(this.#members.indexOf(member), 1);
    }
  }
}

function nobody(subject: string): QuorateError<"NO_RESPONDERS"> {
  return new QuorateError("NO_RESPONDERS", "nobody listens", {
    effect: "none",
    details: { subject },
  });
}

function noAnswer(subject: string, timeoutMs: number): QuorateError<"TIMEOUT"> {
  const details = { operation: "bus.request", timeoutMs };
  const message = `no answer on ${subject}; it may have run`;
  return new QuorateError("TIMEOUT", message, { effect: "unknown", details });
}
