/**
 * What a person sees: one line that counts, the events worth a line of their own, the audit.
 */
import type { Findings } from "./audit.ts";
import type { NodeEvent } from "./node.ts";
import type { Ledger } from "./provider.ts";
import type { TillDay } from "./tills.ts";

/** Counters of a run, and the screen that shows them. */
export class Progress {
  readonly #total: number;
  readonly #startedMs: number;
  readonly #out: NodeJS.WriteStream;
  readonly #nowMs: () => number;
  #shownMs = -Infinity;
  readonly #ended = new Set<string>();
  sold = 0;
  soldOut = 0;
  declined = 0;
  staleRefused = 0;

  constructor(total: number, nowMs: () => number, out: NodeJS.WriteStream = process.stdout) {
    this.#total = total;
    this.#nowMs = nowMs;
    this.#out = out;
    this.#startedMs = nowMs();
  }

  /** Takes in what a node reports. */
  report(node: string, event: NodeEvent): void {
    if ("order" in event && !this.#ended.has(event.order)) {
      // One that was taken up elsewhere is told of twice.
      this.#ended.add(event.order);
      if (event.kind === "sold") this.sold += 1;
      else if (event.kind === "sold out") this.soldOut += 1;
      else this.declined += 1;
    }
    if (event.kind === "dying") {
      this.say(`${node} is killed with ${event.orders} orders at the till; others take them up`);
    }
    if (event.kind === "pausing") {
      this.say(`${node} pauses in the middle of a write to ${event.item}, beyond its lease`);
      this.say(`  it holds token ${event.fencingToken}`);
    }
    if (event.kind === "stale write refused") {
      this.staleRefused += 1;
      this.say(`${node} woke up; its late write to ${event.item} was refused by the guard`);
      this.say(`  somebody newer holds ${event.floor}; the order is served again`);
    }
    this.#count();
  }

  /** A line that stays. */
  say(line: string): void {
    if (this.#out.isTTY) this.#out.write("\r\u001b[K");
    this.#out.write(`${line}\n`);
  }

  /** The last count, then the audit. */
  finish(findings: Findings, ledger: Ledger, tills: TillDay): void {
    this.#shownMs = -Infinity;
    this.#count();
    if (this.#out.isTTY) this.#out.write("\n");
    const { initial, sold, left, problems } = findings;
    const seconds = ((this.#nowMs() - this.#startedMs) / 1_000).toFixed(1);
    this.say("");
    this.say(`audit after ${seconds} s`);
    this.say(`  sold ${sold} + left ${left} = ${sold + left}, initial ${initial}`);
    const undone = `${this.soldOut} sold out and ${this.declined} declined, undone`;
    this.say(`  orders: ${this.sold} sold, ${undone}, of ${this.#total}`);
    this.say(`  oversold: ${problems.some((one) => one.includes("oversold")) ? "yes" : "nothing"}`);
    this.say(`  stale writes refused: ${this.staleRefused}`);
    const paid = ledger.charges.size;
    const twice = [...ledger.charges.values()].filter((times) => times > 1).length;
    this.say(`  charged: ${paid} orders, ${twice} of them twice`);
    const amplification = (ledger.requests / Math.max(1, paid)).toFixed(2);
    this.say(`  the provider saw ${ledger.requests} requests: amplification ${amplification}`);
    this.say(`  tills: ${tills.charging} charges begun; breakers opened: ${tills.breakersOpened}`);
  }

  #count(): void {
    const nowMs = this.#nowMs();
    if (nowMs - this.#shownMs < (this.#out.isTTY ? 100 : 500)) return;
    this.#shownMs = nowMs;
    const done = this.sold + this.soldOut + this.declined;
    const perSecond = Math.round((done * 1_000) / Math.max(1, nowMs - this.#startedMs));
    const line = `orders ${done}/${this.#total} · sold ${this.sold} · ${perSecond}/s`;
    this.#out.write(this.#out.isTTY ? `\r\u001b[K${line}` : `${line}\n`);
  }
}
