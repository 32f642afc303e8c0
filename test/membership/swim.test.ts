/**
 * Five processes and a stranger over UDP on the loopback: killed, stopped, and cut in two.
 *
 * Times are bounds on a busy machine, not measurements.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

const CHILD = fileURLToPath(new URL("swim.child.ts", import.meta.url));
const SECRET = "what the group shares, and no other";
const PATIENCE_MS = 15_000;

interface View {
  readonly view: Readonly<Record<string, string>>;
  readonly refused: number;
}

/** A member's process. */
class Child {
  readonly id: string;
  readonly process: ChildProcess;
  readonly address: Promise<string>;
  readonly unhandled: string[] = [];
  readonly #answers = new Map<number, (view: View) => void>();
  #asked = 0;

  constructor(id: string, options: { readonly seeds?: string; readonly secret?: string } = {}) {
    const { seeds: SEEDS = "", secret = SECRET } = options;
    this.id = id;
    this.process = spawn(process.execPath, ["-C", "@quorate/source", "--import", "tsx", CHILD], {
      env: { ...process.env, ID: id, SEEDS, SECRET: secret },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.address = new Promise((resolve) => {
      this.process.on("message", (message: Record<string, unknown>) => {
        if (typeof message["address"] === "string") resolve(message["address"]);
        if (typeof message["unhandled"] === "string") this.unhandled.push(message["unhandled"]);
        this.#answers.get(message["answer"] as number)?.(message as unknown as View);
      });
    });
  }

  /** How it sees the group now. */
  look(): Promise<View> {
    const ask = (this.#asked += 1);
    return new Promise((resolve) => {
      this.#answers.set(ask, resolve);
      this.process.send({ ask });
    });
  }

  drop(addresses: readonly string[]): void {
    this.process.send({ drop: addresses });
  }
}

const children: Child[] = [];

/** Waits until each of `who` sees what is wanted, member by member. */
async function allSee(
  who: readonly Child[],
  wanted: Readonly<Record<string, string>>,
): Promise<void> {
  const startedMs = performance.now();
  for (;;) {
    const views = await Promise.all(who.map((child) => child.look()));
    const others = views.filter(({ view }) =>
      Object.entries(wanted).some(([id, state]) => view[id] !== state),
    );
    const isLate = performance.now() - startedMs > PATIENCE_MS;
    if (others.length === 0 || isLate) return expect(others).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const alive = (...ids: string[]) => Object.fromEntries(ids.map((id) => [id, "alive"]));

beforeAll(async () => {
  const first = new Child("a");
  children.push(first);
  const seeds = await first.address;
  for (const id of ["b", "c", "d", "e"]) children.push(new Child(id, { seeds }));
  children.push(new Child("stranger", { seeds, secret: "what somebody else made up" }));
  await Promise.all(children.map(({ address }) => address));
  await allSee(children.slice(0, 5), alive("a", "b", "c", "d", "e"));
}, 40_000);

afterAll(() => {
  for (const { process: child } of children) child.kill("SIGKILL");
});

describe("a group over UDP", () => {
  it("does not let in who has another secret, nor tells it anything", async () => {
    const [a, stranger] = [children[0]!, children[5]!];
    const { view, refused } = await a.look();
    expect(view).toEqual(alive("a", "b", "c", "d", "e"));
    expect(refused).toBeGreaterThan(0);
    expect((await stranger.look()).view).toEqual(alive("stranger"));
  });

  it("heals after a partition without a new join", async () => {
    const members = children.slice(0, 5);
    const addresses = await Promise.all(members.map(({ address }) => address));
    for (const [index, child] of members.entries()) {
      child.drop(addresses.filter((_, other) => index < 2 !== other < 2));
    }
    await Promise.all([
      allSee(members.slice(0, 2), { ...alive("a", "b"), c: "down", d: "down", e: "down" }),
      allSee(members.slice(2), { a: "down", b: "down", ...alive("c", "d", "e") }),
    ]);
    for (const child of members) child.drop([]);
    await allSee(members, alive("a", "b", "c", "d", "e"));
  }, 30_000);

  it("buries one that is stopped, and takes it back when it wakes and refutes", async () => {
    const members = children.slice(0, 5);
    const [, , sleeper] = members as [Child, Child, Child];
    const others = members.filter((child) => child !== sleeper);
    sleeper.process.kill("SIGSTOP");
    await allSee(others, { ...alive("a", "b", "d", "e"), c: "down" });
    sleeper.process.kill("SIGCONT");
    await allSee(members, alive("a", "b", "c", "d", "e"));
  }, 30_000);

  it("knows of one that was killed, and of nobody else", async () => {
    const [victim, ...others] = children.slice(0, 5) as [Child, ...Child[]];
    victim.process.kill("SIGKILL");
    await allSee(others, { a: "down", ...alive("b", "c", "d", "e") });
    expect(others.flatMap(({ unhandled }) => unhandled)).toEqual([]);
  }, 30_000);
});
