/**
 * A small network for machines: seeded loss, duplication and delay (hence reordering), partitions
 * and crashes, in scripted time. Frames travel as bytes, so that the wire format is tested along.
 */
import type { Random } from "@quorate/core";
import { seededRandom } from "@quorate/core/testing";

import type { SendEffect } from "./fifo/effects.ts";
import type { MemberId } from "./member.ts";
import { decodeFrame, encodeFrame, type Frame } from "./wire/frames.ts";

/** What a machine must have to live here. */
export interface TestMachine<I, E> {
  step(input: I, nowMs: number): readonly E[];
}

/** What the network does to packets. */
export interface Weather {
  /** Chance that a packet is lost. */
  readonly drop: number;
  /** Chance that it comes twice. */
  readonly duplicate: number;
  /** Longest delay; what differs in delay is reordered. */
  readonly maxDelayMs: number;
}

export const CALM: Weather = { drop: 0, duplicate: 0, maxDelayMs: 0 };
export const STORM: Weather = { drop: 0.3, duplicate: 0.2, maxDelayMs: 300 };

interface Packet {
  readonly dueMs: number;
  readonly order: number;
  readonly from: MemberId;
  readonly to: MemberId;
  readonly bytes: Uint8Array;
}

type Receive = { readonly kind: "receive"; readonly frame: Frame };
type Tick = { readonly kind: "tick" };

/** Machines and the wires between them. */
export class Network<I, E extends { readonly kind: string }> {
  readonly random: Random;
  readonly machines = new Map<MemberId, TestMachine<I | Receive | Tick, E | SendEffect>>();
  /** What each machine asked for besides sending, in order. */
  readonly effects = new Map<MemberId, E[]>();
  /** Every packet that was ever sent passes here; `false` loses it. */
  filter: (from: MemberId, to: MemberId, frame: Frame) => boolean = () => true;
  /** Called for each effect, at once. */
  onEffect: (member: MemberId, effect: E) => void = () => {};
  weather: Weather;
  nowMs = 0;
  sent = 0;
  readonly #packets: Packet[] = [];
  #order = 0;

  constructor(seed: number, weather: Weather = CALM) {
    this.random = seededRandom(seed);
    this.weather = weather;
  }

  add(member: MemberId, machine: TestMachine<I | Receive | Tick, E | SendEffect>): void {
    this.machines.set(member, machine);
    if (!this.effects.has(member)) this.effects.set(member, []);
  }

  /** The process dies: what it has sent may still arrive. */
  crash(member: MemberId): void {
    this.machines.delete(member);
  }

  /** Hands one machine an input and carries out what it asks for. */
  input(member: MemberId, input: I | Receive | Tick): void {
    const effects = this.machines.get(member)?.step(input, this.nowMs) ?? [];
    for (const effect of effects) {
      if (isSend(effect)) this.#send(member, effect);
      else {
        this.effects.get(member)?.push(effect);
        this.onEffect(member, effect);
      }
    }
  }

  /** Lets `ms` pass, in ticks of `tickMs`. */
  run(ms: number, tickMs = 50): void {
    const endMs = this.nowMs + ms;
    while (this.nowMs < endMs) {
      const untilMs = Math.min(endMs, this.nowMs + tickMs);
      this.#deliver(untilMs);
      this.nowMs = untilMs;
      for (const member of this.machines.keys()) this.input(member, { kind: "tick" });
    }
    this.#deliver(this.nowMs);
  }

  /** Effects of one kind at one member. */
  of<K extends E["kind"]>(member: MemberId, kind: K): Extract<E, { readonly kind: K }>[] {
    const all = this.effects.get(member) ?? [];
    return all.filter((effect): effect is Extract<E, { readonly kind: K }> => effect.kind === kind);
  }

  #send(from: MemberId, { to, frame }: SendEffect): void {
    for (const member of to === undefined ? this.machines.keys() : [to]) {
      if (member === from || !this.filter(from, member, frame)) continue;
      this.sent += 1;
      const copies = this.random.next() < this.weather.duplicate ? 2 : 1;
      for (let copy = 0; copy < copies; copy++) {
        if (this.random.next() < this.weather.drop) continue;
        const delayMs = this.random.next() * this.weather.maxDelayMs;
        const dueMs = this.nowMs + delayMs;
        const order = this.#order++;
        this.#packets.push({ dueMs, order, from, to: member, bytes: encodeFrame(frame) });
      }
    }
  }

  #deliver(untilMs: number): void {
    for (let packet = this.#due(untilMs); packet !== undefined; packet = this.#due(untilMs)) {
      this.nowMs = Math.max(this.nowMs, packet.dueMs);
      const frame = decodeFrame(packet.bytes, 1_000_000);
      if (frame === undefined) throw new Error("a frame did not survive its encoding");
      this.input(packet.to, { kind: "receive", frame });
    }
  }

  #due(untilMs: number): Packet | undefined {
    let best: Packet | undefined;
    for (const packet of this.#packets) {
      if (packet.dueMs > untilMs) continue;
      const isEarlier =
        best === undefined ||
        packet.dueMs < best.dueMs ||
        (packet.dueMs === best.dueMs && packet.order < best.order);
      if (isEarlier) best = packet;
    }
    if (best !== undefined) this.#packets.splice(this.#packets.indexOf(best), 1);
    return best;
  }
}

function isSend(effect: { readonly kind: string }): effect is SendEffect {
  return effect.kind === "send";
}

/** `count` members: a#1, b#1, … */
export function membersOf(count: number): MemberId[] {
  return Array.from({ length: count }, (_, index) => `${String.fromCharCode(97 + index)}#1`);
}

/** Text as message. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A message as text. */
export function textOf(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}
