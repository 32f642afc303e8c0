/**
 * The hybrid clock beside `Timestamp` of `@actual-app/crdt`, the HLC that npm has users of.
 *
 * Both read `Date.now()` for each timestamp, which is most of the cost. The peer is a singleton
 * that throws after 65 536 events of one millisecond and when the wall clock is set back; ours
 * checks foreign timestamps, watches for jumps and goes on. Texts are made flat on both sides (a
 * character is read), as a rope that nobody reads is not yet a text.
 */
import { getClock, makeClock, setClock, Timestamp } from "@actual-app/crdt";
import {
  formatHybrid,
  HybridClock,
  type HybridTimestamp,
  packHybrid,
  parseHybrid,
  unpackHybrid,
} from "@quorate/clock";

import {
  atLeastPerSecond,
  type Contestant,
  effortOf,
  race,
  type Speeds,
  speedTable,
  timesBestPeer,
} from "../harness/micro.ts";
import type { Claim, Section } from "../harness/report.ts";
import type { Measure } from "../harness/run.ts";

const OURS = "quorate";
const PEER = "@actual-app/crdt";
const NODE = "0123456789abcdef";
const REMOTE_NODE = "fedcba9876543210";
const SAMPLES = 64;
const NOW_BAR = 15_000_000;

/** What a message may carry: both forms of one timestamp, of the recent past. */
interface Sample {
  readonly ours: HybridTimestamp;
  readonly theirs: Timestamp;
}

/** The sections of the hybrid clock, in order. */
export function hybridTables(): readonly Measure[] {
  return [measureNow, measureReceive, measureText, measureParse];
}

const measureNow: Measure = async ({ quick }) => {
  const clock = new HybridClock({ node: NODE });
  // Once in hand-driven time: what the clock costs beyond Date.now().
  const wall = { ms: 1_767_225_600_000 };
  const driven = new HybridClock({ node: NODE, runtime: { time: { wallMs: () => wall.ms } } });
  initPeer();
  const speeds = await race(
    [
      { name: OURS, run: () => clock.now() },
      { name: PEER, run: () => Timestamp.send() },
      { name: "Date.now() alone", run: () => Date.now() },
      {
        name: "quorate, time handed in",
        run: (index) => {
          if ((index & 1_023) === 0) wall.ms += 1;
          return driven.now();
        },
      },
    ],
    effortOf(quick),
  );
  const claim = { name: "now()", ours: OURS, speeds };
  return section("Hybrid clock: a timestamp", speeds, [
    atLeastPerSecond({ ...claim, bar: NOW_BAR }),
    timesBestPeer({ ...claim, bar: 0.8, speeds: only(speeds, [OURS, PEER]) }),
  ]);
};

const measureReceive: Measure = async ({ quick }) => {
  const clock = new HybridClock({ node: NODE });
  initPeer();
  const samples = makeSamples();
  const speeds = await race(
    [
      { name: OURS, run: (index) => clock.receive(at(samples, index).ours) },
      { name: PEER, run: (index) => Timestamp.recv(at(samples, index).theirs) },
    ],
    effortOf(quick),
  );
  const claim = timesBestPeer({ name: "receive()", ours: OURS, bar: 0.5, speeds });
  return section("Hybrid clock: receive a timestamp", speeds, [claim]);
};

const measureText: Measure = async ({ quick }) => {
  const samples = makeSamples();
  const contestants: Contestant[] = [
    { name: OURS, run: (index) => formatHybrid(at(samples, index).ours).charCodeAt(17) },
    { name: PEER, run: (index) => at(samples, index).theirs.toString().charCodeAt(17) },
    { name: "quorate, 8 bytes", run: (index) => packHybrid(at(samples, index).ours) },
  ];
  const speeds = await race(contestants, effortOf(quick));
  const pair = only(speeds, [OURS, PEER]);
  const claim = timesBestPeer({ name: "to text", ours: OURS, bar: 4, speeds: pair });
  return section("Hybrid clock: a timestamp as sortable text", speeds, [claim]);
};

const measureParse: Measure = async ({ quick }) => {
  const samples = makeSamples();
  const texts = samples.map(({ ours, theirs }) => ({
    ours: formatHybrid(ours),
    theirs: theirs.toString(),
    bytes: packHybrid(ours),
  }));
  const contestants: Contestant[] = [
    { name: OURS, run: (index) => parseHybrid(at(texts, index).ours) },
    { name: PEER, run: (index) => Timestamp.parse(at(texts, index).theirs) },
    { name: "quorate, 8 bytes", run: (index) => unpackHybrid(at(texts, index).bytes, NODE) },
  ];
  const speeds = await race(contestants, effortOf(quick));
  const pair = only(speeds, [OURS, PEER]);
  const claim = timesBestPeer({ name: "from text", ours: OURS, bar: 4, speeds: pair });
  return section("Hybrid clock: read a timestamp's text", speeds, [claim]);
};

/** The peer's clock is one per process, and starts in 1970. */
function initPeer(): void {
  setClock(makeClock(new Timestamp(0, 0, NODE)));
  if (getClock().timestamp.node() !== NODE) throw new Error("the peer has no clock");
}

function makeSamples(): Sample[] {
  const nowMs = Date.now();
  return Array.from({ length: SAMPLES }, (_, index) => {
    const timeMs = nowMs - index;
    const counter = (index * 977) & 0xffff;
    const ours = { timeMs, counter, node: REMOTE_NODE };
    return { ours, theirs: new Timestamp(timeMs, counter, REMOTE_NODE) };
  });
}

function at<T>(items: readonly T[], index: number): T {
  return items[index & (SAMPLES - 1)] as T;
}

function only(speeds: Speeds, names: readonly string[]): Speeds {
  return new Map([...speeds].filter(([name]) => names.includes(name)));
}

function section(title: string, speeds: Speeds, claims: Claim[]): Section {
  const method = "Medians of interleaved rounds; ratios within a round.";
  return { title, method, tables: [speedTable("", speeds)], claims };
}
