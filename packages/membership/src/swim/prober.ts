/**
 * Probes: one member is asked at a time, directly, then through others, and accused if nobody gets
 * an answer.
 *
 * A question waits as long as this member's health allows; a relay that cannot reach the target
 * says so by a nack, so that silence of the relays too counts against ourselves. While the relays
 * try, the target is asked directly once more. A suspect learns from the ping itself that it is
 * suspected (the buddy system), and its answer carries the refutation.
 *
 * SWIM, section 3.1; nacks, health and the buddy system as in Lifeguard.
 */
import type { Ms } from "@quorate/core";
import type { Beliefs } from "./beliefs.ts";
import type { Ground } from "./ground.ts";
import type { Sender, SwimMessage } from "./packet.ts";
import type { Peer } from "./roster.ts";

interface Probe {
  readonly peer: Peer;
  readonly seq: number;
  /** The target's when it was asked: if it has a greater one by the end, it lives. */
  readonly incarnation: number;
  /** How many others were asked to try. */
  asked: number;
  /** When others are asked; `Infinity`: they were. */
  relaysAtMs: Ms;
  endsAtMs: Ms;
  /** Relays that have not spoken. */
  readonly silent: Set<string>;
}

/** A question asked for another. */
interface Relay {
  readonly target: string;
  readonly askerAddress: string;
  readonly askerSeq: number;
  nackAtMs: Ms;
  forgetAtMs: Ms;
}

/** Most questions asked for others at once; further ones are not answered, as if lost. */
const MAX_RELAYS = 256;
/** Share of the timeout after which the asker is told that nothing came. */
const NACK_SHARE = 0.8;

/** Probes of one member, and those that it makes for others. */
export class Prober {
  readonly #ground: Ground;
  readonly #beliefs: Beliefs;
  /** By our number; in order of time, since all wait equally long. */
  readonly #relays = new Map<number, Relay>();
  #probe: Probe | undefined;
  #nextMs = Infinity;
  #relayDueMs = Infinity;

  constructor(ground: Ground, beliefs: Beliefs) {
    this.#ground = ground;
    this.#beliefs = beliefs;
  }

  /** When something is due. */
  get wakeMs(): Ms {
    const own = Math.min(this.#nextMs, this.#probe?.relaysAtMs ?? Infinity);
    return Math.min(own, this.#relayDueMs);
  }

  /** The first probe, at any moment of a period: who starts together must not ask in step. */
  start(): void {
    const { nowMs, timing, random } = this.#ground;
    this.#nextMs = nowMs + random() * timing.probeIntervalMs;
  }

  stop(): void {
    this.#nextMs = Infinity;
    this.#probe = undefined;
  }

  /** This process stood still: what is awaited may be waiting to be read. */
  delay(byMs: Ms): void {
    const probe = this.#probe;
    this.#nextMs += byMs;
    if (probe !== undefined) {
      probe.relaysAtMs += byMs;
      probe.endsAtMs += byMs;
    }
    for (const relay of this.#relays.values()) relay.nackAtMs += byMs;
    this.#relayDueMs += byMs;
  }

  due(): void {
    const { nowMs } = this.#ground;
    if (nowMs >= this.#relayDueMs) this.#nack();
    const probe = this.#probe;
    if (probe !== undefined && nowMs >= probe.relaysAtMs && nowMs < probe.endsAtMs) {
      this.#askOthers(probe);
    }
    if (nowMs >= this.#nextMs) this.#next();
  }

  /** A ping for us; whoever it was meant for has lived here before. */
  answerPing(from: Sender, message: SwimMessage & { kind: "ping" }, accused?: Peer): void {
    const { self } = this.#ground;
    if (message.target !== self.id) return;
    const { seq } = message;
    this.#ground.send(from.address, { kind: "ack", seq, subject: self.id }, accused);
  }

  answerPingReq(from: Sender, message: SwimMessage & { kind: "ping-req" }): void {
    const { nowMs, timing, roster } = this.#ground;
    const { target, address } = message;
    if (this.#relays.size >= MAX_RELAYS) return;
    const seq = this.#ground.nextSeq();
    const nackAtMs = nowMs + timing.probeTimeoutMs * NACK_SHARE;
    this.#relays.set(seq, {
      target,
      askerAddress: from.address,
      askerSeq: message.seq,
      nackAtMs,
      forgetAtMs: nowMs + timing.probeIntervalMs,
    });
    this.#relayDueMs = Math.min(this.#relayDueMs, nackAtMs);
    this.#ground.send(address, { kind: "ping", seq, target }, roster.get(target));
  }

  /** An answer: to our own question, or to one that we asked for another. */
  hearAck({ seq, subject }: SwimMessage & { kind: "ack" }): void {
    const probe = this.#probe;
    if (probe !== undefined && probe.seq === seq && probe.peer.id === subject) {
      this.#probe = undefined;
      this.#ground.awareness.add(-1);
      return;
    }
    const relay = this.#relays.get(seq);
    if (relay === undefined || relay.target !== subject) return;
    this.#relays.delete(seq);
    const message = { kind: "ack", seq: relay.askerSeq, subject } as const;
    this.#ground.send(relay.askerAddress, message);
  }

  hearNack(from: Sender, { seq }: SwimMessage & { kind: "nack" }): void {
    if (this.#probe?.seq === seq) this.#probe.silent.delete(from.id);
  }

  #next(): void {
    const ground = this.#ground;
    const { awareness, nowMs, timing, roster } = ground;
    if (this.#probe !== undefined) this.#fail(this.#probe);
    this.#probe = undefined;
    this.#nextMs = nowMs + awareness.scale(timing.probeIntervalMs);
    const peer = roster.nextToProbe();
    if (peer === undefined || peer.address === "") return;
    const seq = ground.nextSeq();
    this.#probe = {
      peer,
      seq,
      incarnation: peer.incarnation,
      asked: 0,
      relaysAtMs: nowMs + awareness.scale(timing.probeTimeoutMs),
      endsAtMs: this.#nextMs,
      silent: new Set(),
    };
    ground.send(peer.address, { kind: "ping", seq, target: peer.id }, peer);
  }

  #askOthers(probe: Probe): void {
    const ground = this.#ground;
    const { peer, seq } = probe;
    probe.relaysAtMs = Infinity;
    const { id: target, address } = peer;
    for (const relay of ground.roster.draw(ground.timing.indirectProbes, peer)) {
      if (relay.address === "") continue;
      probe.asked += 1;
      probe.silent.add(relay.id);
      ground.send(relay.address, { kind: "ping-req", seq, target, address });
    }
    ground.send(address, { kind: "ping", seq, target }, peer);
  }

  #fail({ peer, incarnation, asked, silent }: Probe): void {
    const { awareness, roster } = this.#ground;
    awareness.add(asked === 0 ? 1 : silent.size);
    const isKnown = roster.get(peer.id) === peer;
    if (isKnown && peer.incarnation === incarnation) this.#beliefs.suspect(peer);
  }

  #nack(): void {
    const ground = this.#ground;
    const { nowMs } = ground;
    for (const [seq, relay] of this.#relays) {
      if (relay.forgetAtMs <= nowMs) this.#relays.delete(seq);
      else if (relay.nackAtMs <= nowMs) {
        relay.nackAtMs = Infinity;
        ground.send(relay.askerAddress, { kind: "nack", seq: relay.askerSeq });
      }
    }
    this.#relayDueMs = Infinity;
    for (const { nackAtMs, forgetAtMs } of this.#relays.values()) {
      this.#relayDueMs = Math.min(this.#relayDueMs, nackAtMs, forgetAtMs);
    }
  }
}
