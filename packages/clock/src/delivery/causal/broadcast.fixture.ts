/** Random histories of FIFO and causal broadcast, with the truth about who knew what when. */
import { type BroadcastEffect, type BroadcastInput, FifoMachine } from "../fifo/fifo-machine.ts";
import type { StreamOptions } from "../fifo/options.ts";
import type { MemberId } from "../member.ts";
import { bytesOf, membersOf, Network, textOf, type Weather } from "../network.fixture.ts";
import { CausalMachine } from "./causal-machine.ts";

/** Which order. */
export type Order = "fifo" | "causal";

/** A group on a network that remembers what each message may depend on. */
export class Group {
  readonly members: readonly MemberId[];
  readonly net: Network<BroadcastInput, BroadcastEffect>;
  /** Per member: texts in the order of delivery. */
  readonly delivered = new Map<MemberId, string[]>();
  /** Per text: what its sender had delivered before. */
  readonly causes = new Map<string, readonly string[]>();
  readonly #order: Order;

  constructor(order: Order, seed: number, count: number, weather: Weather) {
    this.#order = order;
    this.members = membersOf(count);
    this.net = new Network(seed, weather);
    this.net.onEffect = (member, effect) => {
      if (effect.kind === "deliver") this.delivered.get(member)?.push(textOf(effect.data));
    };
    for (const member of this.members) this.open(member, this.members);
  }

  open(self: MemberId, members: readonly MemberId[], options: StreamOptions = {}): void {
    const Machine = this.#order === "fifo" ? FifoMachine : CausalMachine;
    this.delivered.set(self, []);
    this.net.add(self, new Machine({ self, members, ...options }));
  }

  publish(member: MemberId, text: string): void {
    this.causes.set(text, [...(this.delivered.get(member) ?? [])]);
    this.net.input(member, { kind: "publish", data: bytesOf(text) });
  }

  /** Publishes `count` messages from random members at random times. */
  chat(count: number): void {
    const { random } = this.net;
    for (let index = 0; index < count; index++) {
      const from = this.members[Math.floor(random.next() * this.members.length)] as MemberId;
      this.publish(from, `${from}:${index}`);
      if (random.next() < 0.7) this.net.run(Math.floor(random.next() * 120));
    }
  }

  /** Pairs that a member delivered in the wrong order, as people would say it. */
  causalityBroken(): string[] {
    const problems: string[] = [];
    for (const [member, texts] of this.delivered) {
      const place = new Map(texts.map((text, index) => [text, index]));
      for (const [index, text] of texts.entries()) {
        for (const cause of this.causes.get(text) ?? []) {
          const at = place.get(cause);
          if (at !== undefined && at < index) continue;
          problems.push(
            `${member} has ${text} ${at === undefined ? "without" : "before"} ${cause}`,
          );
        }
      }
    }
    return problems;
  }

  /** Members and senders whose messages are not in the order of sending, or come twice. */
  fifoBroken(): string[] {
    const problems: string[] = [];
    for (const member of this.members) {
      const last = new Map<MemberId, number>();
      for (const { member: sender, seq } of this.net.of(member, "deliver")) {
        const before = last.get(sender) ?? 0;
        if (seq !== before + 1) problems.push(`${member}: ${sender} ${seq} after ${before}`);
        last.set(sender, seq);
      }
    }
    return problems;
  }

  /** Members that do not have all messages, or hold back some for nothing. */
  incomplete(): string[] {
    return this.members.filter((member) => {
      const machine = this.net.machines.get(member) as FifoMachine | CausalMachine;
      return this.delivered.get(member)?.length !== this.causes.size || machine.held > 0;
    });
  }
}
