/**
 * SWIM over the waist's bus: where processes reach a server and not each other.
 *
 * Each member hears a subject of its own, and all of them share the queue of a meeting point, so
 * that a newcomer needs no seed: what it sends there reaches one of the members. A bus that is away
 * looks like a partition in which everybody is alone; when it is back the meeting point heals it.
 *
 * Does not guarantee more than UDP does: the bus is at most once. What it adds is one point of
 * failure, and packets that cross it twice as often as a heartbeat would in a group of ten.
 */
import {
  type Backend,
  checkName,
  invalidArgument,
  knownOptions,
  type MessageBus,
  type Runtime,
  type Subscription,
} from "@quorate/core";
import { MAX_ADDRESS_BYTES } from "./news.ts";
import type { SwimTransport } from "./transport.ts";

/** Options of `busTransport`. */
export interface BusTransportOptions {
  /** Name of the group: members of one hear no other. One segment of up to 64 bytes. */
  readonly group: string;
}

const MAX_GROUP_BYTES = 64;
const MEETING_POINT = "any";

/**
 * A transport over a backend's bus. The backend stays open when the transport closes.
 *
 * @throws INVALID_ARGUMENT
 *
 * @example
 * import { busTransport, createSwim } from "@quorate/membership";
 * import { memoryBackend } from "@quorate/memory";
 * const transport = busTransport(memoryBackend(), { group: "billing" });
 * const swim = createSwim({ id: "billing-1", transport });
 * await swim.start();
 * console.log(swim.members.length); // => 1
 * await swim.leave();
 */
export function busTransport(
  backend: Pick<Backend, "bus" | "runtime">,
  options: BusTransportOptions,
): SwimTransport {
  if (typeof backend?.bus?.subscribe !== "function" || backend.runtime?.time === undefined) {
    throw invalidArgument("backend", backend, "a backend, as redisBackend() makes one");
  }
  knownOptions("options", options, ["group"]);
  const group = checkName("group", options.group);
  if (group.includes("/") || Buffer.byteLength(group) > MAX_GROUP_BYTES) {
    throw invalidArgument("group", group, `one segment of up to ${MAX_GROUP_BYTES} bytes`);
  }
  return new BusTransport(backend, `swim/${group}`);
}

class BusTransport implements SwimTransport {
  readonly runtime: Runtime;
  readonly meetingPoints: readonly string[] = [MEETING_POINT];
  readonly #bus: MessageBus;
  readonly #subject: string;
  #subscriptions: readonly Subscription[] = [];

  constructor({ bus, runtime }: Pick<Backend, "bus" | "runtime">, subject: string) {
    this.runtime = runtime;
    this.#bus = bus;
    this.#subject = subject;
  }

  async open(receive: (packet: Uint8Array) => void): Promise<string> {
    // Of this life alone: two processes with one name must not share an address.
    const address = this.runtime.ids.unique();
    const hear = ({ data }: { readonly data: Uint8Array }): void => receive(data);
    const own = await this.#bus.subscribe(`${this.#subject}/${address}`, hear);
    this.#subscriptions = [own];
    try {
      const queue = MEETING_POINT;
      const meeting = `${this.#subject}/${MEETING_POINT}`;
      this.#subscriptions = [own, await this.#bus.subscribe(meeting, hear, { queue })];
    } catch (error) {
      await this.close();
      throw error;
    }
    return address;
  }

  async send(address: string, packet: Uint8Array): Promise<void> {
    // An address is one segment, or a stranger could make us speak to other groups.
    const isSegment = !address.includes("/") && address.length <= MAX_ADDRESS_BYTES;
    if (!isSegment) throw invalidArgument("address", address, "one segment");
    await this.#bus.publish(`${this.#subject}/${address}`, packet);
  }

  async close(): Promise<void> {
    const closing = this.#subscriptions.map((subscription) => subscription.close());
    this.#subscriptions = [];
    await Promise.allSettled(closing);
  }
}
