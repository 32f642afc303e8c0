/** Groups that agree, on a network, and what must be true of every run. */
import type { MemberId } from "../member.ts";
import { bytesOf, membersOf, Network, textOf, type Weather } from "../network.fixture.ts";
import { AgreementMachine } from "./agreement-machine.ts";
import type { AgreementEffect, AgreementInput, AgreementOptions } from "./effects.ts";

/** A group that remembers what happened. */
export class AgreeingGroup {
  readonly net: Network<AgreementInput, AgreementEffect>;
  readonly delivered = new Map<MemberId, string[]>();
  readonly causes = new Map<string, ReadonlySet<string>>();
  readonly problems: string[] = [];
  /** The last view that was told. */
  view: readonly MemberId[];
  epoch = 1;
  readonly #founders: readonly MemberId[];
  readonly #options: Partial<AgreementOptions>;
  #count = 0;

  constructor(
    seed: number,
    count: number,
    weather: Weather,
    options: Partial<AgreementOptions> = {},
  ) {
    this.#options = options;
    this.#founders = membersOf(count);
    this.view = this.#founders;
    this.net = new Network(seed, weather);
    this.net.onEffect = (member, effect) => this.#watch(member, effect);
    for (const member of this.view) this.open(member);
  }

  /** A process, which knows the view of now. */
  open(self: MemberId): void {
    this.delivered.set(self, []);
    const view = { epoch: this.epoch, members: this.view };
    this.net.add(self, new AgreementMachine({ self, view, ...this.#options }));
  }

  publish(member: MemberId, text = `${member}:${this.#count++}`): void {
    if (!this.net.machines.has(member)) return;
    this.causes.set(text, new Set(this.delivered.get(member)));
    this.net.input(member, { kind: "publish", data: bytesOf(text) });
  }

  /** Random messages from members of the view. */
  chat(count: number): void {
    const { random } = this.net;
    for (let index = 0; index < count; index++) {
      const alive = this.view.filter((member) => this.net.machines.has(member));
      this.publish(alive[Math.floor(random.next() * alive.length)] as MemberId);
      if (random.next() < 0.7) this.net.run(Math.floor(random.next() * 200));
    }
  }

  /** Tells all who live of a view, each at its own time. */
  change(members: readonly MemberId[], longestMs = 300): void {
    const { random } = this.net;
    const told = new Set([...members, ...this.view]);
    this.view = members;
    this.epoch += 1;
    const view = { epoch: this.epoch, members };
    for (const member of told) {
      this.net.input(member, { kind: "view", view });
      if (random.next() < 0.5) this.net.run(Math.floor(random.next() * longestMs));
    }
  }

  /** Members that were there from the beginning to the end. */
  get stayed(): MemberId[] {
    return this.#founders.filter((one) => this.view.includes(one) && this.net.machines.has(one));
  }

  /** What differs between those who stayed, or is missing. */
  disagreements(): string[] {
    const { stayed, problems } = this;
    const [first = [], ...others] = stayed.map((member) => this.delivered.get(member) ?? []);
    const differ = others.some((texts) => texts.join() !== first.join());
    const sent = [...this.causes.keys()].filter((text) =>
      stayed.some((one) => text.startsWith(one)),
    );
    const lost = sent.filter((text) => !first.includes(text));
    return [
      ...problems,
      ...(differ ? [[first, ...others].map((texts) => texts.join(" ")).join(" | ")] : []),
      ...(lost.length > 0 ? [`lost: ${lost.join(" ")}`] : []),
    ];
  }

  #watch(member: MemberId, effect: AgreementEffect): void {
    if (effect.kind === "refused" || effect.kind === "view-mismatch") {
      this.problems.push(`${member}: ${effect.kind}`);
    }
    if (effect.kind !== "deliver") return;
    const text = textOf(effect.data);
    const mine = this.delivered.get(member) ?? [];
    if (mine.includes(text)) this.problems.push(`${member} has ${text} twice`);
    const isFounder = this.#founders.includes(member);
    for (const cause of isFounder ? (this.causes.get(text) ?? []) : []) {
      // What only a dead member had delivered, nobody can wait for.
      const isKnown = this.stayed.some((one) => this.delivered.get(one)?.includes(cause) === true);
      if (isKnown && !mine.includes(cause))
        this.problems.push(`${member}: ${text} before ${cause}`);
    }
    mine.push(text);
    if (mine.length !== effect.seq) this.problems.push(`${member}: ${effect.seq} is no next place`);
  }
}
