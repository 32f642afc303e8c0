import { isQuorateError } from "@quorate/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TreeStamp } from "./tree-stamp.ts";

function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return isQuorateError(error) ? error.code : String(error);
  }
  return "none";
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("the paper's walk", () => {
  // Almeida, Baquero, Fonte, OPODIS 2008, section 5.1 and its figure: a fork, events on both sides,
  // a second fork, a join followed by a fork, and a last join whose event simplifies the stamp.
  // The same stamps are in the tests of averykhoo/interval-tree-clocks and of others.
  it("gives the paper's stamps at every step", () => {
    const seed = TreeStamp.seed();
    expect(`${seed}`).toBe("(1, 0)");
    const [a0, b0] = seed.fork();
    expect([`${a0}`, `${b0}`]).toEqual(["((1, 0), 0)", "((0, 1), 0)"]);
    const a1 = a0.event();
    expect(`${a1}`).toBe("((1, 0), (0, 1, 0))");
    const b1 = b0.event();
    expect(`${b1}`).toBe("((0, 1), (0, 0, 1))");
    const [a2, c0] = a1.fork();
    expect([`${a2}`, `${c0}`]).toEqual(["(((1, 0), 0), (0, 1, 0))", "(((0, 1), 0), (0, 1, 0))"]);
    const b2 = b1.event();
    expect(`${b2}`).toBe("((0, 1), (0, 0, 2))");
    const a3 = a2.event();
    expect(`${a3}`).toBe("(((1, 0), 0), (0, (1, 1, 0), 0))");
    const joined = c0.join(b2);
    expect(`${joined}`).toBe("(((0, 1), 1), (1, 0, 1))");
    const [c1, b3] = joined.fork();
    expect([`${c1}`, `${b3}`]).toEqual(["(((0, 1), 0), (1, 0, 1))", "((0, 1), (1, 0, 1))"]);
    const a4 = a3.join(c1);
    expect(`${a4}`).toBe("((1, 0), (1, (0, 1, 0), 1))");
    expect(`${a4.event()}`).toBe("((1, 0), 2)");
  });
});

describe("the four answers", () => {
  it("tell before, after, concurrent and equal apart", () => {
    const [a, b] = TreeStamp.seed().fork();
    const [a1, b1] = [a.event(), b.event()];
    expect(a.compare(b)).toBe("equal");
    expect(a.compare(a1)).toBe("before");
    expect(a1.compare(a)).toBe("after");
    expect(a1.compare(b1)).toBe("concurrent");
    expect([a.leq(a1), a1.leq(a), a1.leq(b1)]).toEqual([true, false, false]);
    const [message, a2] = a1.send();
    const b2 = b1.receive(message);
    expect(a2.compare(b2)).toBe("before");
    expect(message.compare(a2)).toBe("equal");
    expect(message.isAnonymous).toBe(true);
  });
});

/** One random history of processes that come, go, work and talk, beside its true causal pasts. */
function run(steps: readonly { what: number; who: number; whom: number }[]) {
  interface Process {
    stamp: TreeStamp;
    past: ReadonlySet<number>;
  }
  const processes: Process[] = [{ stamp: TreeStamp.seed(), past: new Set() }];
  const seen: Process[] = [...processes];
  let events = 0;
  for (const { what, who, whom } of steps) {
    const at = who % processes.length;
    const process = processes[at] as Process;
    const other = processes[whom % processes.length] as Process;
    let next: Process;
    if (what === 0 && processes.length < 12) {
      const [mine, theirs] = process.stamp.fork();
      processes.push({ stamp: theirs, past: process.past });
      next = { stamp: mine, past: process.past };
    } else if (what === 1 && other !== process) {
      const past = new Set([...process.past, ...other.past]);
      next = { stamp: process.stamp.join(other.stamp), past };
      processes[at] = next;
      processes.splice(processes.indexOf(other), 1);
      seen.push(next);
      continue;
    } else if (what <= 3) {
      const past = new Set([...process.past, ...other.past, events++]);
      next = { stamp: process.stamp.receive(other.stamp.peek()), past };
    } else {
      next = { stamp: process.stamp.event(), past: new Set([...process.past, events++]) };
    }
    processes[at] = next;
    seen.push(next);
  }
  return { processes, seen };
}

const histories = fc.array(fc.record({ what: fc.nat(6), who: fc.nat(100), whom: fc.nat(100) }), {
  maxLength: 60,
});

function truth(a: ReadonlySet<number>, b: ReadonlySet<number>): string {
  const isBefore = [...a].every((event) => b.has(event));
  const isAfter = [...b].every((event) => a.has(event));
  if (isBefore) return isAfter ? "equal" : "before";
  return isAfter ? "after" : "concurrent";
}

describe("random histories of processes that come and go", () => {
  it("are compared as their true causal pasts are", () => {
    fc.assert(
      fc.property(histories, (steps) => {
        const { seen } = run(steps);
        for (const a of seen) {
          for (const b of seen) expect(a.stamp.compare(b.stamp)).toBe(truth(a.past, b.past));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("end in a stamp as simple as the seed once all have joined", () => {
    fc.assert(
      fc.property(histories, (steps) => {
        const { processes } = run(steps);
        const stamps = processes.map(({ stamp }) => stamp);
        const all = stamps.reduce((joined, stamp) => joined.join(stamp));
        expect(`${all.event()}`).toMatch(/^\(1, \d+\)$/);
      }),
    );
  });

  it("join the same whichever way round, and an anonymous stamp changes nothing twice", () => {
    fc.assert(
      fc.property(histories, fc.nat(50), fc.nat(50), (steps, i, j) => {
        const { processes, seen } = run(steps);
        const [a, b] = [i, j].map((index) => seen[index % seen.length]?.stamp.peek() as TreeStamp);
        const [one] = processes;
        expect(`${a?.join(b as TreeStamp)}`).toBe(`${b?.join(a as TreeStamp)}`);
        const once = one?.stamp.join(a as TreeStamp);
        expect(`${once?.join(a as TreeStamp)}`).toBe(`${once}`);
      }),
    );
  });

  it("survive encoding, one form per stamp", () => {
    fc.assert(
      fc.property(histories, (steps) => {
        for (const { stamp } of run(steps).seen) {
          const back = TreeStamp.decode(stamp.encode());
          expect(`${back}`).toBe(`${stamp}`);
          expect(hex(back.encode())).toBe(hex(stamp.encode()));
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("the encoding", () => {
  it("has the bits of the authors' reference implementation (erlang/itc.erl)", () => {
    // Seed: id leaf 00 1, number 10 00, and a bit of padding.
    expect(hex(TreeStamp.seed().encode())).toBe("30");
    // ((1, 0), (0, 1, 0)): 10 001 for the id, 0 01 and 10 01 for the events.
    expect(hex(TreeStamp.seed().fork()[0].event().encode())).toBe("8990");
    // ((0, 1), (0, 0, 1)): 01 001, 0 00, 10 01.
    expect(hex(TreeStamp.seed().fork()[1].event().encode())).toBe("4890");
    // (1, 4): the first number of the second width: 001, 110 000.
    let four = TreeStamp.seed();
    for (let event = 0; event < 4; event++) four = four.event();
    expect(hex(four.encode())).toBe("3800");
  });

  it("never throws anything but ours on random bytes, and reads only what it would write", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => {
        let stamp: TreeStamp;
        try {
          stamp = TreeStamp.decode(bytes);
        } catch (error) {
          expect(isQuorateError(error)).toBe(true);
          return;
        }
        expect(hex(stamp.encode())).toBe(hex(bytes));
      }),
      { numRuns: 20_000 },
    );
  });

  it.each([
    ["nothing", new Uint8Array(0), "INVALID_ARGUMENT"],
    ["a byte too many", Uint8Array.of(0x30, 0), "INVALID_ARGUMENT"],
    ["padding that is not zero", Uint8Array.of(0x31), "INVALID_ARGUMENT"],
    ["a cut number", Uint8Array.of(0x3c), "INVALID_ARGUMENT"],
    [
      "two whole halves instead of a whole",
      Uint8Array.of(0b11001001, 0b10000000),
      "INVALID_ARGUMENT",
    ],
    ["two halves with something in common", Uint8Array.of(0x2a, 0x68), "INVALID_ARGUMENT"],
    ["endless nesting", new Uint8Array(4_000).fill(0x55), "TOO_LARGE"],
    ["an endless number", new Uint8Array(40).fill(0xff, 1).fill(0x3f, 0, 1), "TOO_LARGE"],
    ["a megabyte", new Uint8Array(1_000_000), "TOO_LARGE"],
    ["text", "30" as unknown as Uint8Array, "INVALID_ARGUMENT"],
  ])("refuses %s", (_, bytes, code) => {
    expect(codeOf(() => TreeStamp.decode(bytes))).toBe(code);
  });

  it("keeps counts up to 2^53 - 1, and the event after is refused", () => {
    // (1, 2^53 - 1): 001, then 53 ones of which the last is a zero, then 3 in 53 bits.
    const bits = `001${"1".repeat(52)}0${"11".padStart(53, "0")}`;
    const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, "0");
    const bytes = Uint8Array.from(padded.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2));
    const stamp = TreeStamp.decode(bytes);
    expect(`${stamp}`).toBe(`(1, ${2 ** 53 - 1})`);
    expect(hex(stamp.encode())).toBe(hex(bytes));
    expect(codeOf(() => stamp.event())).toBe("TOO_LARGE");
  });
});

describe("an event of a process that owns several parts", () => {
  const [a, b] = TreeStamp.seed().fork();

  it("is counted where no leaf has to be divided", () => {
    const [a1] = a.fork();
    expect(`${a1.join(b).event()}`).toBe("(((1, 0), 1), (0, 0, 1))");
    const [, b2] = b.fork();
    expect(`${a.join(b2).event()}`).toBe("((1, (0, 1)), (0, 1, 0))");
  });

  it("is counted far down rather than in a leaf that would have to be divided", () => {
    const [a11] = a.fork()[0].fork();
    const [b1] = b.fork();
    const both = a11.event().join(b1);
    expect(`${both}`).toBe("((((1, 0), 0), (1, 0)), (0, (0, (0, 1, 0), 0), 0))");
    expect(`${both.event()}`).toBe("((((1, 0), 0), (1, 0)), (0, (0, (0, 2, 0), 0), 0))");
  });
});

describe("misuse", () => {
  it("of a stamp used twice is refused at the join", () => {
    const [a, b] = TreeStamp.seed().fork();
    expect(codeOf(() => a.join(a))).toBe("INVALID_ARGUMENT");
    expect(codeOf(() => a.join(TreeStamp.seed()))).toBe("INVALID_ARGUMENT");
    const [b1] = b.fork();
    expect(codeOf(() => b.join(b1))).toBe("INVALID_ARGUMENT");
  });

  it("of an anonymous stamp is refused: it owns nothing to count on or to give", () => {
    const message = TreeStamp.seed().peek();
    expect(codeOf(() => message.event())).toBe("INVALID_ARGUMENT");
    expect(codeOf(() => message.fork())).toBe("INVALID_ARGUMENT");
    expect(codeOf(() => TreeStamp.seed().receive(TreeStamp.seed()))).toBe("INVALID_ARGUMENT");
    expect(codeOf(() => message.compare({} as TreeStamp))).toBe("INVALID_ARGUMENT");
    expect(codeOf(() => message.join(undefined as unknown as TreeStamp))).toBe("INVALID_ARGUMENT");
  });

  it("of the interval by endless forks without a join is refused at a depth of 1024", () => {
    let stamp = TreeStamp.seed();
    for (let fork = 0; fork < 1_024; fork++) [stamp] = stamp.fork();
    expect(codeOf(() => stamp.fork())).toBe("TOO_LARGE");
    const deep = stamp.event();
    expect(`${TreeStamp.decode(deep.encode())}`).toBe(`${deep}`);
  });
});

describe("the leak that the documentation warns of", () => {
  it("grows the stamps of those who stay when others are dropped, and not when they join", () => {
    let [dropper, joiner] = [TreeStamp.seed(), TreeStamp.seed()];
    for (let visitor = 0; visitor < 100; visitor++) {
      [dropper] = dropper.fork();
      dropper = dropper.event();
      const [host, guest] = joiner.fork();
      joiner = host.event().join(guest.event()).event();
    }
    expect(joiner.encode().byteLength).toBeLessThan(8);
    expect(dropper.encode().byteLength).toBeGreaterThan(40);
  });
});
