/** Groups under a sequencer on a network, and what must be true of every run. */
import type { MemberId } from "../member.ts";
import { bytesOf, membersOf, Network, textOf, type Weather } from "../network.fixture.ts";
import type { SequencerEffect, SequencerInput, SequencerOptions } from "./effects.ts";
import { SequencerMachine } from "./sequencer-machine.ts";

/** A group that remembers what happened. */
export class OrderedGroup {
  readonly members: readonly MemberId[];
  readonly net: Network<SequencerInput, SequencerEffect>;
  /** What was delivered at each place, by whoever was first. */
  readonly places: { readonly text: string; readonly by: MemberId }[] = [];
  readonly delivered = new Map<MemberId, string[]>();
  readonly causes = new Map<string, ReadonlySet<string>>();
  readonly problems: string[] = [];
  readonly #options: Partial<SequencerOptions>;

  constructor(
    seed: number,
    count: number,
    weather: Weather,
    options: Partial<SequencerOptions> = {},
  ) {
    this.#options = options;
    this.members = membersOf(count);
    this.net = new Network(seed, weather);
    this.net.onEffect = (member, effect) => this.#watch(member, effect);
    for (const member of this.members) this.open(member, this.members);
  }

  open(self: MemberId, members: readonly MemberId[]): void {
    this.delivered.set(self, []);
    this.net.add(self, new SequencerMachine({ self, members, ...this.#options }));
  }

  publish(member: MemberId, text: string): void {
    this.causes.set(text, new Set(this.delivered.get(member)));
    this.net.input(member, { kind: "publish", data: bytesOf(text) });
  }

  lead(member: MemberId, epoch: number, members: readonly MemberId[] = this.members): void {
    this.net.input(member, { kind: "lead", epoch, members });
  }

  /** Random messages, and now and then a new sequencer. Returns the last epoch. */
  chat(count: number, changes: number, epoch = 1): number {
    const { random } = this.net;
    const alive = (): MemberId => {
      const all = [...this.net.machines.keys()];
      return all[Math.floor(random.next() * all.length)] as MemberId;
    };
    let last = epoch;
    for (let index = 0; index < count; index++) {
      const from = alive();
      this.publish(from, `${from}:${epoch}:${index}`);
      if (random.next() < changes) this.lead(alive(), ++last);
      if (random.next() < 0.7) this.net.run(Math.floor(random.next() * 200));
    }
    return last;
  }

  #watch(member: MemberId, effect: SequencerEffect): void {
    if (effect.kind === "left-behind") this.problems.push(`${member} was left behind`);
    if (effect.kind === "refused") this.problems.push(`${member} was refused`);
    if (effect.kind !== "deliver") return;
    const text = textOf(effect.data);
    const place = this.places[effect.seq - 1];
    const mine = this.delivered.get(member) ?? [];
    if (place === undefined) this.places[effect.seq - 1] = { text, by: member };
    else if (place.text !== text) {
      this.problems.push(`${effect.seq}: ${member} has ${text}, ${place.by} has ${place.text}`);
    }
    // Who joined later has nothing of what came before.
    for (const cause of this.#joinedLater(member) ? [] : (this.causes.get(text) ?? [])) {
      if (!mine.includes(cause)) this.problems.push(`${member}: ${text} before ${cause}`);
    }
    if (mine.includes(text)) this.problems.push(`${member} has ${text} twice`);
    mine.push(text);
    if (mine.length !== effect.seq && !this.#joinedLater(member)) {
      this.problems.push(`${member} is at ${effect.seq} with ${mine.length} messages`);
    }
  }

  #joinedLater(member: MemberId): boolean {
    return !this.members.includes(member);
  }
}
