/**
 * Histories with published verdicts, in a shorter notation.
 *
 * NOTICE: the recorded histories and their verdicts are from Porcupine's test data
 * (github.com/anishathalye/porcupine, test_data/jepsen and test_data/kv; verdicts in
 * porcupine_test.go), copyright Anish Athalye, MIT licence. The etcd logs were recorded by Jepsen
 * against etcd. Only the facts are kept here: who asked what, and what was answered.
 *
 * Etcd, one register: `4r` read, `4r=3` its answer (`n`: nothing), `1w2` write, `1w.` done,
 * `2c34` compare-and-set of 3 to 4, `2c.` won, `2c!` lost, `2?` timed out.
 * Kv, one client, calls that return at once: `a7:3` append 3 to key 7, `p7:3` put, `g7:0,3` get.
 */
import type { Json } from "@quorate/core";
import type { HistoryEvent } from "./history/event.ts";
import { type History, historyOf } from "./history/history.ts";

/** A history and what Porcupine says of it. */
export interface Published {
  readonly name: string;
  readonly linearizable: boolean;
  readonly text: string;
}

/** From test_data/jepsen. */
export const ETCD: readonly Published[] = [
  {
    name: "etcd_000",
    linearizable: false,
    text: `
0r 3r 2w4 1w2 4w3 3r=n 0r=n 4w. 1w. 2w. 3w3 0r 0r=3 3w. 4r 4r=3 1r 1r=3 2c30 2c. 0w2 3r 0w. 3r=0
4r 4r=2 1c03 2c00 1c! 2c! 0c21 3r 3r=2 0c. 4r 4r=1 1r 1r=1 2r 2r=1 3w0 0c13 3w. 4w2 0c! 4w. 1r
1r=2 2c11 2c! 3c00 0r 0r=2 4w1 3c! 1c21 2w2 2w. 0c14 3w3 4? 0c! 3w. 1? 2w2 9w3 0r 0r=3 2w. 3c34
3c! 6c11 9? 0w1 0w. 2c00 2c! 3c22 6? 3c! 14w4 0c43 0c! 2w0 11r 11r=2 2w. 3w2 3w. 14? 0w1 11c21
2c03 3r 3r=2 19r 19r=2 0? 11? 2? 3r 3r=2 19c13 19c. 5w0 16c43 7c12 5w. 7c! 16c! 3c42 3c! 19c01
19c. 5c40 7c14 16r 16r=1 3c13 3c! 5c. 7c. 19c20 19c! 16r 16r=0 3r 3r=0 5r 7c42 5r=0 7c! 19c23
19c! 16c41 3w4 5w4 7c02 19r 19r=0 16? 3? 5? 7? 19w3 19w. 21c20 21c! 8w4 10w2 10w. 12c44 19w4 21r
21r=4 19w. 8? 10c01 12? 10c! 21c33 21c! 19r 19r=4 13c22 17c44 13? 17? 10r 10r=1`,
  },
  {
    name: "etcd_002",
    linearizable: true,
    text: `
4r 4r=n 1w1 2c24 3c12 0c14 1w. 0c! 2c. 3c. 4w0 4w. 1w2 1w. 0r 0r=2 2c02 3c23 2c! 3c. 4r 4r=3 1w3
1w. 0w2 2w0 0w. 2w. 3c04 3c. 4c34 4c! 1w1 0w3 0w. 1w. 2r 2r=3 3r 3r=3 4r 4r=3 0c43 0c! 1c22 2w3
1c! 3w2 4w2 4w. 0c14 0c! 2? 1w3 1w. 3? 4c30 4c. 0r 0r=0 7c31 1w1 8r 8r=3 4c40 1w. 0w2 0w. 7? 4c!
8c40 1w0 1w. 0w4 0w. 12w4 4r 4r=4 8? 1r 1r=4 0w2 12? 0w. 4c30 4c! 13w3 1w0 17r 0c21 17r=3 4w1
13? 1? 0? 17c01 4? 18r 18r=3 6w3 5w2 17? 9c22 18w4 6? 5? 22w1 9? 18? 11w3 10c11 22? 14w0 11w.
23c44 14w. 10c! 23c! 27w1 11w2 11w. 14c12 10r 10r=2 14c! 23r 23r=0 27? 11w1 11w. 10r 10r=1 14w2
23c23 32c21 14w. 11w4 11w. 10c11 10c! 23? 32? 14w4 14w. 11c24 11c! 10r 10r=4 28r 28r=0 37w3 37?
14r 14r=4`,
  },
  {
    name: "etcd_007",
    linearizable: true,
    text: `
0r 2r 1r 2r=n 0r=n 1r=n 3w1 4c33 3w. 4c! 2c20 0w0 1r 1r=1 0w. 3c30 2c! 3c! 4c02 4c. 1c34 0c22 1c!
2r 3w4 2r=2 0c. 3w. 4r 4r=4 1c01 1c! 2c32 0c33 2c! 3r 0c! 3r=4 4w4 4w. 1c20 1c! 2c31 0c12 3c20
4w0 0c! 2c! 4w. 1w2 3? 0c22 0c! 2w4 4r 4r=0 2w. 1? 8c20 0w3 0w. 4r 4r=3 2r 2r=3 6w3 8? 0r 0r=3
4c22 4c! 2c31 6? 13w3 2c. 0r 0r=1 4w4 11c14 13? 4w. 2c24 2c! 0r 0r=4 11? 18w1 4r 4r=4 2r 2r=4 0w1
16c42 18? 4c34 2r 2r=4 0? 16? 23w1 4? 2w2 5w2 2w. 23w. 5w. 21w1 9r 21w. 9r=1 23r 2c12 5r 23r=1
5r=1 2c. 21w4 9r 9r=2 21w. 23r 5r 23r=4 5r=4 2r 2r=4 9w3 9w. 21c24 23w0 5r 5r=3 2c42 9c44 21? 23?
5w0 2? 9? 26w2 28c24 5? 28c! 7w4 7w. 14w2 26? 10c13 28c01 7c34 10c! 28c! 7c! 14? 31r 31r=3 10r
10r=4 28c00 28c! 7r 7r=4`,
  },
  {
    name: "etcd_099",
    linearizable: false,
    text: `
3r 0w1 2c41 4c20 3r=n 1c13 0w. 1c. 2c! 4c! 3w1 3w. 0c20 0c! 1w4 4w1 2w4 1w. 2w. 4w. 3w1 3w. 0w2
0w. 1r 1r=2 2r 2r=2 4w4 4w. 3w0 0w3 3w. 1c03 1c! 0w. 2c24 2c! 4c41 4c! 3w2 1w0 1w. 3w. 0w3 2w0
4w4 4w. 1w0 1w. 3w1 0? 2? 3w. 4c20 4c! 1r 1r=1 5c10 7c21 3w4 3w. 4r 4r=4 1w4 1w. 5? 7? 3w3 3w.
4c21 1r 10c30 1r=3 12w1 4c! 3w4 3w. 10? 1c10 1c! 12? 4w4 4w. 3w0 15c44 1c22 17c21 4w0 3? 15? 1?
17? 4? 8w1 20r 20r=3 6c14 22c12 22c. 8w. 6c. 9r 9r=4 20c42 20c. 22r 22r=2 8w4 6c22 9c34 8w. 9c!
6c! 20w0 20w. 22r 22r=0 8r 8r=0 9w0 6w3 9w. 6w. 20r 20r=3 22w0 22w. 8r 8r=0 9r 9r=0 6w1 6w. 20r
20r=3 22r 22r=1 8w4 9c10 9c. 6c24 20c03 6c! 22r 22r=0 8? 9w1 9w. 20? 6r 6r=1 22w2 13w1 22w. 9w4
9w. 25r 25r=3 6c11 6c! 13? 22r 22r=4`,
  },
];

/** From test_data/kv. */
export const KV: readonly Published[] = [
  {
    name: "c01-bad",
    linearizable: false,
    text: `
a0:0 g7: g6: g5: g2: a0:1 g2: a0:2 a0:3 a0:4 a5:5 g6: a1:6 g1:6 g3: a2:7 g0:0,1,2,3,4 a1:8 a7:0
g0:0,1,2,3,4 g2:7 g5:5 g2:7 a6:1 g5:5 p1:2 g6:1 a7:3 a3:4 g7:0 a3:5 a6:6 a4:7 a6:8 a3:9 g2:7
g7:0,3 p2:10`,
  },
];

const FUNCTIONS: Readonly<Record<string, string>> = { r: "read", w: "write", c: "cas" };

/** An etcd log as a history of a compare-and-set register. */
export function readEtcd({ text }: Published): History {
  const open = new Map<string, { readonly op: number; readonly f: string }>();
  let operations = 0;
  const events = text
    .trim()
    .split(/\s+/)
    .map((word, t): HistoryEvent => {
      const [, p = "", code = "", rest = ""] = /^(\d+)([rwc?])(.*)$/.exec(word) ?? [];
      const begun = open.get(p);
      if (begun === undefined) {
        const op = operations++;
        const f = FUNCTIONS[code] ?? "unreadable";
        open.set(p, { op, f });
        return { t, p, op, type: "invoke", f, v: argumentOf(code, rest) };
      }
      open.delete(p);
      if (code === "?") return { t, p, ...begun, type: "info" };
      return { t, p, ...begun, type: "ok", v: answerOf(code, rest) };
    });
  return historyOf(events);
}

function argumentOf(code: string, rest: string): Json {
  if (code === "w") return Number(rest);
  return code === "c" ? [Number(rest[0]), Number(rest[1])] : null;
}

function answerOf(code: string, rest: string): Json {
  if (code === "c") return rest === ".";
  return code === "r" && rest !== "=n" ? Number(rest.slice(1)) : null;
}

/** A kv log as a history of `append`, `put` and `get`. */
export function readKv({ text }: Published): History {
  const words = text.trim().split(/\s+/);
  return historyOf(
    words.flatMap((word, op): HistoryEvent[] => {
      const [, code = "", k = "", value = ""] = /^([apg])(\d):(.*)$/.exec(word) ?? [];
      const f = { a: "append", p: "put", g: "get" }[code] ?? "unreadable";
      const about = { p: "0", op, f, k };
      const answer = code === "g" ? { v: value } : {};
      return [
        { t: 2 * op, type: "invoke", ...about, ...(code === "g" ? {} : { v: value }) },
        { t: 2 * op + 1, type: "ok", ...about, ...answer },
      ];
    }),
  );
}
