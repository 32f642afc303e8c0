/**
 * A bank in scripted time: accounts under the barrier, transfers between them, and processes that
 * coordinate or die.
 */
import { refuse, type Json } from "@quorate/core";

import type { GuardedRecord } from "../barrier/guarded-record.ts";
import { createBarrier } from "../barrier/create-barrier.ts";
import { type TestProcess, World } from "../kernel/world.fixture.ts";
import { createTcc } from "./create-tcc.ts";
import type { TccOptions } from "./options.ts";
import type { BranchContext, TccParticipant, TryContext } from "./participant.ts";
import type { Tcc, TccKind } from "./tcc.ts";

/** What an account holds. */
export interface Account {
  readonly free: number;
  /** Reserved by debits that are tried, and by credits. */
  readonly held: number;
  readonly coming: number;
}

/** The input of a branch. */
export type Money = { readonly account: string; readonly cents: number };

type AccountJson = { readonly [K in keyof Account]: number };

/** The kinds of branch. */
export type Bank = {
  readonly debit: TccParticipant<Money, number>;
  readonly credit: TccParticipant<Money, number>;
};

/** One process of the bank. */
export interface Branch {
  readonly process: TestProcess;
  readonly tcc: Tcc;
  readonly transfer: TccKind<never>;
  /** Moves `cents` from alice to bob. */
  move(id: string, cents: number, deadlineMs?: number): Promise<string>;
}

/** The whole bank. */
export class BankWorld {
  readonly world: World = new World();
  /** `try t-1/debit`, in the order in which participants were asked. */
  readonly asked: string[] = [];
  /** Called before each answer of a participant: may throw, or wait. */
  meddle: (operation: string, context: BranchContext<Money>) => unknown = () => {};

  /** Starts a process. */
  start(options: TccOptions = {}): Branch {
    const process = this.world.process();
    const tcc = createTcc(process.backend, { leaseMs: 3_000, ...options });
    const bank: Bank = { debit: this.#debit(process), credit: this.#credit(process) };
    const transfer = tcc.serve("transfer", bank as never);
    const move = (id: string, cents: number, deadlineMs = 10_000): Promise<string> =>
      tcc.run("transfer", { id, deadlineMs }, async (t) => {
        await t.branch("debit", { account: "alice", cents });
        await t.branch("credit", { account: "bob", cents });
        return `moved ${cents}`;
      });
    return { process, tcc, transfer, move };
  }

  /** An account, as any process sees it. */
  account(name: string, process: TestProcess = this.world.process()): GuardedRecord<AccountJson> {
    const empty = { free: name === "alice" ? 100 : 0, held: 0, coming: 0 };
    return createBarrier(process.backend).record<AccountJson>(`accounts/${name}`, { empty });
  }

  /** Balances of alice and bob. */
  async balances(): Promise<readonly [AccountJson, AccountJson]> {
    return [await this.account("alice").read(), await this.account("bob").read()];
  }

  #debit(process: TestProcess): Bank["debit"] {
    const account = (context: BranchContext<Money>) => this.account(context.input.account, process);
    return {
      try: async (context: TryContext<Money>) => {
        const { branch, input } = context;
        await this.#hear("try", context);
        return account(context).try(branch, (value) => {
          if (value.free < input.cents) throw refuse("too-little", { free: value.free });
          const { free, held } = value;
          const next = { ...value, free: free - input.cents, held: held + input.cents };
          return { value: next, result: input.cents };
        });
      },
      confirm: async (context) => {
        await this.#hear("confirm", context);
        await account(context).confirm(context.branch, (value, { tried }) => ({
          value: { ...value, held: value.held - (tried as number) },
        }));
      },
      cancel: async (context) => {
        await this.#hear("cancel", context);
        await account(context).cancel(context.branch, (value, { tried }) => ({
          value: {
            ...value,
            free: value.free + (tried as number),
            held: value.held - (tried as number),
          },
        }));
      },
    };
  }

  #credit(process: TestProcess): Bank["credit"] {
    const account = (context: BranchContext<Money>) => this.account(context.input.account, process);
    const coming =
      (by: number) =>
      (value: AccountJson, { tried }: { tried: Json | undefined }) => ({
        value: {
          free: value.free + by * (tried as number),
          held: value.held,
          coming: value.coming - (tried as number),
        },
      });
    return {
      try: async (context: TryContext<Money>) => {
        await this.#hear("try", context);
        const { cents } = context.input;
        return account(context).try(context.branch, (value) => ({
          value: { ...value, coming: value.coming + cents },
          result: cents,
        }));
      },
      confirm: async (context) => {
        await this.#hear("confirm", context);
        await account(context).confirm(context.branch, coming(1));
      },
      cancel: async (context) => {
        await this.#hear("cancel", context);
        await account(context).cancel(context.branch, coming(0));
      },
    };
  }

  async #hear(operation: string, context: BranchContext<Money>): Promise<void> {
    this.asked.push(`${operation} ${context.branch}`);
    await this.meddle(operation, context);
  }
}
