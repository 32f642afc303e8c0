/**
 * The members of a group, put together from what a watch on their leases tells.
 *
 * A member's name may for a moment be held by two leases, both its own: what it says anew stands in
 * a new lease, and the old one goes once that is granted. So the newest lease speaks for the
 * member. If it ends unasked and an older one is alive, that one speaks again; a lease that was
 * given back takes all older ones with it, for its holder has said goodbye.
 *
 * Sans-I/O: it is handed events and the time. Guarantees: a member is alive here as long as the
 * watch has told of a lease and not of its end, in an outage too; memory is bounded by the leases
 * alive, those gone for less than `forgetAfterMs`, and at most 1000 of these.
 */
import type { FencingToken, LeaseEvent, LeaseHolder, Ms } from "@quorate/core";
import type { Member, MemberChanged } from "../membership.ts";
import { decodeStanding, type Standing } from "./standing.ts";

/** Members that are gone and not forgotten. */
const MAX_GONE = 1_000;

/** One lease that speaks, or may. */
interface Voice {
  readonly owner: string;
  readonly token: FencingToken;
  readonly born: FencingToken;
  readonly standing: Standing;
  /** Told of since the watch was opened last. */
  isConfirmed: boolean;
}

interface Track {
  /** By owner. Mostly one. */
  readonly voices: Map<string, Voice>;
  /** No lease up to this token speaks: a newer one was given back. */
  silentTo: FencingToken;
  member: Member;
}

/** What came of an event. */
export interface ViewStep {
  readonly changes: readonly MemberChanged[];
  /** A lease that is none of ours. */
  readonly invalid?: { readonly lease: string; readonly reason: string };
}

const NOTHING: ViewStep = { changes: [] };

/** One group as its leases tell it. */
export class LeaseView {
  readonly #prefix: string;
  readonly #forgetAfterMs: Ms;
  readonly #tracks = new Map<string, Track>();
  /** Ids of members that are gone, the one gone longest first. */
  readonly #gone = new Set<string>();

  constructor(options: { readonly prefix: string; readonly forgetAfterMs: Ms }) {
    this.#prefix = options.prefix;
    this.#forgetAfterMs = options.forgetAfterMs;
  }

  /** The members at `nowMs`, by id. */
  members(nowMs: Ms): Member[] {
    this.#forget(nowMs);
    const members = [...this.#tracks.values()].map(({ member }) => member);
    return members.sort((left, right) => (left.id < right.id ? -1 : 1));
  }

  /** One member at `nowMs`. */
  member(id: string, nowMs: Ms): Member | undefined {
    this.#forget(nowMs);
    return this.#tracks.get(id)?.member;
  }

  /** A new watch begins: it tells the state first, and what it does not tell has ended. */
  reopened(): void {
    for (const voice of this.#voices()) voice.isConfirmed = false;
  }

  /** Takes what the watch tells. */
  take(event: LeaseEvent, nowMs: Ms): ViewStep {
    this.#forget(nowMs);
    switch (event.kind) {
      case "granted":
        return this.#granted(event.name, event.holder, nowMs);
      case "ended": {
        const id = this.#idOf(event.name);
        const track = id === undefined ? undefined : this.#tracks.get(id);
        return track === undefined ? NOTHING : this.#ended(track, event, nowMs);
      }
      case "synced":
        return { changes: this.#sweep(nowMs) };
      case "stale":
        return NOTHING;
    }
  }

  #granted(name: string, holder: LeaseHolder, nowMs: Ms): ViewStep {
    const id = this.#idOf(name);
    if (id === undefined) return NOTHING; // Of a group whose name goes on: not ours.
    const { owner, fencingToken: token } = holder;
    const found = decodeStanding(holder.data, token);
    if (!found.ok) return { changes: [], invalid: { lease: name, reason: found.reason } };
    const { standing, born } = found;
    const voice: Voice = { owner, token, born, standing, isConfirmed: true };
    const track = this.#tracks.get(id);
    if (track !== undefined) {
      track.voices.set(owner, voice);
      return this.#speak(track, nowMs);
    }
    const member = memberOf(id, voice, nowMs);
    this.#tracks.set(id, { voices: new Map([[owner, voice]]), silentTo: 0, member });
    return { changes: [{ kind: "joined", member }] };
  }

  #ended(
    track: Track,
    end: { readonly owner: string; readonly fencingToken: FencingToken; readonly reason: string },
    nowMs: Ms,
  ): ViewStep {
    const voice = track.voices.get(end.owner);
    if (voice === undefined || voice.token !== end.fencingToken) return NOTHING;
    const isNewest = voice === newestOf(track);
    track.voices.delete(end.owner);
    if (!isNewest) return NOTHING;
    if (end.reason === "released") track.silentTo = voice.token;
    return this.#speak(track, nowMs, end.reason === "released" ? "left" : "down");
  }

  /** Lets the newest voice speak; `gone`: what has become of the member where there is none. */
  #speak(track: Track, nowMs: Ms, gone: "left" | "down" = "down"): ViewStep {
    const before = track.member;
    const voice = newestOf(track);
    const isGone = before.state !== "alive";
    if (voice === undefined) {
      if (isGone) return NOTHING;
      track.member = { ...before, state: gone, sinceMs: nowMs };
      this.#gone.add(before.id);
      return { changes: [{ kind: gone, member: track.member }] };
    }
    const next = memberOf(before.id, voice, isGone ? nowMs : before.sinceMs);
    if (isSame(before, next)) return NOTHING;
    track.member = next;
    this.#gone.delete(before.id);
    const back = before.state === "left" ? "joined" : "recovered";
    return { changes: [{ kind: isGone ? back : "updated", member: next }] };
  }

  /** What the new watch has not told of, ended while nobody looked. */
  #sweep(nowMs: Ms): MemberChanged[] {
    const changes: MemberChanged[] = [];
    for (const track of this.#tracks.values()) {
      for (const { owner, token: fencingToken, isConfirmed } of [...track.voices.values()]) {
        if (isConfirmed) continue;
        const end = { owner, fencingToken, reason: "unknown" };
        changes.push(...this.#ended(track, end, nowMs).changes);
      }
    }
    return changes;
  }

  #forget(nowMs: Ms): void {
    for (const id of this.#gone) {
      const sinceMs = this.#tracks.get(id)?.member.sinceMs ?? -Infinity;
      const isOld = nowMs - sinceMs >= this.#forgetAfterMs;
      if (!isOld && this.#gone.size <= MAX_GONE) return;
      this.#gone.delete(id);
      this.#tracks.delete(id);
    }
  }

  *#voices(): Iterable<Voice> {
    for (const track of this.#tracks.values()) yield* track.voices.values();
  }

  #idOf(name: string): string | undefined {
    const id = name.slice(this.#prefix.length);
    return id === "" || id.includes("/") ? undefined : id;
  }
}

function newestOf(track: Track): Voice | undefined {
  let newest: Voice | undefined;
  for (const voice of track.voices.values()) {
    if (voice.token <= track.silentTo) continue;
    if (newest === undefined || voice.token > newest.token) newest = voice;
  }
  return newest;
}

function memberOf(id: string, voice: Voice, sinceMs: Ms): Member {
  const { address, data } = voice.standing;
  return { id, incarnation: voice.born, state: "alive", sinceMs, address, data };
}

function isSame(left: Member, right: Member): boolean {
  return (
    left.state === right.state &&
    left.incarnation === right.incarnation &&
    left.address === right.address &&
    left.data === right.data
  );
}
