/**
 * A network in memory for SWIM members of one process: for tests and for trying things out.
 *
 * Packets arrive a timer later, in scripted time if the runtime's is. `cut` says which pairs of
 * addresses do not reach each other; nothing else is lost.
 */
import { callable, type Runtime } from "@quorate/core";
import type { SwimTransport } from "./transport.ts";

/** Whether packets from one address to another are lost. */
export type SwimCut = (from: string, to: string) => boolean;

/**
 * Members of one process.
 *
 * @example
 * import { createSwim, SwimNetwork } from "@quorate/membership";
 * import { systemRuntime } from "@quorate/core";
 * const network = new SwimNetwork();
 * const a = createSwim({ id: "a", transport: network.transport("a", systemRuntime) });
 * const toB = network.transport("b", systemRuntime);
 * const b = createSwim({ id: "b", transport: toB, seeds: ["a"] });
 * await Promise.all([a.start(), b.start(), b.joined()]);
 * console.log(b.members.map(({ id }) => id)); // => [ 'a', 'b' ]
 * await Promise.all([a.close(), b.close()]);
 */
export class SwimNetwork {
  readonly #receivers = new Map<string, (packet: Uint8Array) => void>();
  #cut: SwimCut = () => false;

  /** Loses packets for which `cut` says so, from now on. */
  cut(cut: SwimCut): void {
    this.#cut = callable("cut", cut);
  }

  /** Loses nothing any more. */
  heal(): void {
    this.#cut = () => false;
  }

  /** The transport of a member at `address`. */
  transport(address: string, runtime: Runtime): SwimTransport {
    const receivers = this.#receivers;
    let own: ((packet: Uint8Array) => void) | undefined;
    return {
      runtime,
      meetingPoints: [],
      open(receive) {
        own = receive;
        receivers.set(address, receive);
        return Promise.resolve(address);
      },
      send: (to, packet) => {
        if (!this.#cut(address, to)) {
          runtime.time.setTimer(0, () => receivers.get(to)?.(packet), { keepAlive: false });
        }
        return Promise.resolve();
      },
      close() {
        if (receivers.get(address) === own) receivers.delete(address);
        return Promise.resolve();
      },
    };
  }
}
