/**
 * The machine of one member of a SWIM group: packets, commands and time in, effects out.
 *
 * Each member asks one other per period whether it is there, so that the cost per member does not
 * grow with the group, and news of who came, is suspected and went rides on those packets. It has
 * no timer, no socket, no clock and no chance of its own: production, tests and the simulator drive
 * the same object.
 *
 * The stalled process is Node's own fault: after a stall timers run before the packets that waited,
 * and every answer seems to be missing. When a step comes later than was asked for by half a probe
 * timeout, all that is awaited gets as much more time, and this member thinks less of its health.
 *
 * Guarantees: at most `maxMembers` members and one piece of news each; packets of at most 1,400
 * bytes; the same inputs and chance give the same effects. Does not guarantee: that all agree at
 * any moment, nor that who is down is dead.
 *
 * Das, Gupta, Motivala, "SWIM: Scalable Weakly-consistent Infection-style Process Group Membership
 * Protocol", DSN 2002. Dadgar, Phillips, Currey, "Lifeguard", DSN-W 2018.
 */
import type { Ms } from "@quorate/core";
import type { Member } from "../membership.ts";
import { Beliefs } from "./beliefs.ts";
import { Exchange } from "./exchange.ts";
import { Ground, type SwimEffect, type SwimSettings } from "./ground.ts";
import type { Sender, SwimMessage, SwimPacket } from "./packet.ts";
import { Prober } from "./prober.ts";
import { memberOf } from "./roster.ts";

/** What the machine is told. */
export type SwimInput =
  /** A packet of this group has arrived. */
  | { readonly kind: "packet"; readonly packet: SwimPacket }
  /** `wakeMs` has come. */
  | { readonly kind: "due" }
  /** Begin to take part. */
  | { readonly kind: "start" }
  /** This member says something else of itself. */
  | { readonly kind: "update"; readonly data: string }
  /** Say goodbye; `departed` follows. */
  | { readonly kind: "leave" };

type Phase = "new" | "running" | "leaving" | "stopped";

/** One member. */
export class SwimMachine {
  readonly #ground: Ground;
  readonly #beliefs: Beliefs;
  readonly #prober: Prober;
  readonly #exchange: Exchange;
  #phase: Phase = "new";

  /** `random` draws from [0, 1). */
  constructor(settings: SwimSettings, random: () => number) {
    this.#ground = new Ground(settings, random);
    this.#beliefs = new Beliefs(this.#ground);
    this.#prober = new Prober(this.#ground, this.#beliefs);
    this.#exchange = new Exchange(this.#ground);
  }

  /** This member. */
  get self(): Member {
    return this.#ground.self;
  }

  /** Who sends its packets: for `encodePacket`. */
  get sender(): Sender {
    return this.#ground.sender;
  }

  /** How many members live, this one included. */
  get size(): number {
    return this.#ground.size;
  }

  /** 0, in good health, to 7: how many times longer than asked for its timeouts are. */
  get health(): number {
    return this.#ground.awareness.score;
  }

  /** The others, by no order. */
  others(): readonly Member[] {
    const { active, gone } = this.#ground.roster;
    return [...active, ...gone].map(memberOf);
  }

  /** One member; `undefined`: not known. */
  member(id: string): Member | undefined {
    if (id === this.self.id) return this.self;
    const peer = this.#ground.roster.get(id);
    return peer === undefined ? undefined : memberOf(peer);
  }

  /** When it wants to be told `due`; `Infinity`: never, until something else happens. */
  get wakeMs(): Ms {
    if (this.#phase === "new" || this.#phase === "stopped") return Infinity;
    const suspicionMs = this.#ground.suspicions.peek()?.wakeMs ?? Infinity;
    return Math.min(suspicionMs, this.#prober.wakeMs, this.#exchange.wakeMs);
  }

  /** Takes `input` in. `nowMs` never goes back; `wallMs` bounds what incarnations are believed. */
  step(input: SwimInput, nowMs: Ms, wallMs: Ms): readonly SwimEffect[] {
    const ground = this.#ground;
    const effects: SwimEffect[] = [];
    ground.effects = effects;
    ground.wallMs = wallMs;
    const lateMs = nowMs - this.wakeMs;
    ground.nowMs = nowMs;
    if (lateMs >= ground.timing.probeTimeoutMs / 2) this.#waken(lateMs);
    if (this.#phase === "stopped") return effects;
    this.#take(input);
    this.#exchange.arm();
    return effects;
  }

  #take(input: SwimInput): void {
    const ground = this.#ground;
    switch (input.kind) {
      case "start": {
        if (this.#phase !== "new") return;
        this.#phase = "running";
        ground.self = { ...ground.self, sinceMs: ground.nowMs };
        ground.spread(ground.selfNews());
        this.#prober.start();
        this.#exchange.start();
        this.#exchange.due();
        return;
      }
      case "due":
        return this.#due();
      case "packet":
        if (this.#phase !== "new") this.#receive(input.packet);
        return;
      case "update":
        if (this.#phase !== "running") return;
        return this.#beliefs.announce("alive", input.data, ground.self.incarnation, false);
      case "leave":
        if (this.#phase !== "running") return;
        this.#phase = "leaving";
        this.#beliefs.announce("left", ground.self.data, ground.self.incarnation, false);
        this.#prober.stop();
        return this.#exchange.depart();
    }
  }

  #due(): void {
    this.#beliefs.suspicionsDue();
    this.#prober.due();
    this.#exchange.due();
    if (this.#ground.effects.some(({ kind }) => kind === "departed")) this.#phase = "stopped";
  }

  #receive({ from, message, news }: SwimPacket): void {
    const ground = this.#ground;
    if (from.id === ground.self.id) {
      // Our own packets come back from a bus; a namesake's are about its name.
      if (from.address === ground.self.address) return;
      if (message.kind === "conflict") return this.#meetNamesake(from, message);
    }
    const before = ground.effects.length;
    const inTable = message.kind === "state" || message.kind === "sync";
    for (const one of news) this.#beliefs.hear(one, from, inTable);
    if (message.kind === "state") {
      const isNews = ground.effects.slice(before).some(({ kind }) => kind === "changed");
      if (isNews) this.#exchange.learnt();
    }
    this.#answer(from, message);
  }

  #answer(from: Sender, message: SwimMessage): void {
    const ground = this.#ground;
    const sender = ground.roster.get(from.id);
    const accused = sender?.state === "alive" ? undefined : sender;
    switch (message.kind) {
      case "ping":
        return this.#prober.answerPing(from, message, accused);
      case "ping-req":
        return this.#prober.answerPingReq(from, message);
      case "ack":
        this.#prober.hearAck(message);
        break;
      case "nack":
        this.#prober.hearNack(from, message);
        break;
      case "sync":
        return this.#exchange.answerSync(from, message);
      case "state":
        this.#exchange.hearState(from, message);
        break;
      case "gossip":
      case "conflict":
        break;
    }
    // It speaks, so it can defend itself, if only it knew. Once per round of gossip is enough.
    if (accused === undefined || this.#phase !== "running") return;
    if (ground.nowMs - accused.toldMs < ground.timing.gossipIntervalMs) return;
    accused.toldMs = ground.nowMs;
    ground.send(from.address, { kind: "gossip", seq: ground.nextSeq() }, accused);
  }

  /** Of two living processes with one name the one born later goes on. */
  #meetNamesake(from: Sender, { birth }: SwimMessage & { kind: "conflict" }): void {
    const ground = this.#ground;
    const { settings, self } = ground;
    const isTwin = birth === settings.incarnation && from.address > self.address;
    if (birth > settings.incarnation || isTwin) {
      this.#phase = "stopped";
      ground.effects.push({ kind: "conflict", address: from.address });
      return;
    }
    const answer = {
      kind: "conflict",
      seq: ground.nextSeq(),
      birth: settings.incarnation,
    } as const;
    ground.sendNews(from.address, answer, []);
  }

  /** This process stood still: first what waited is heard, then it is judged who was silent. */
  #waken(lateMs: Ms): void {
    const ground = this.#ground;
    const { suspicions, timing, awareness, effects } = ground;
    const byMs = lateMs + timing.probeTimeoutMs;
    this.#prober.delay(byMs);
    this.#exchange.wake();
    for (const peer of [...suspicions]) {
      if (peer.suspicion !== undefined) {
        peer.suspicion = { ...peer.suspicion, startMs: peer.suspicion.startMs + byMs };
      }
      suspicions.update(peer, peer.wakeMs + byMs);
    }
    awareness.add(1);
    effects.push({ kind: "paused", lateMs });
  }
}
