/**
 * The tills over the day: one dies with calls in hand, one is sent home, others take their places.
 *
 * Nobody who calls them is told. What the dead one had in hand is asked again elsewhere with the
 * same keys; what the other had it finishes before it goes.
 */
import type { HiredTill, Shop } from "./embedded.ts";
import { TILL_DIES_AT, TILL_LEAVES_AT } from "./shop.ts";
import type { TillEvent } from "./till.ts";

/** What came of it. */
export interface TillDay {
  /** Charges that a till began; repeats that were answered from the store are not among them. */
  readonly charging: number;
  readonly breakersOpened: number;
  readonly problems: readonly string[];
}

/** Tills that are open. */
export interface Tills {
  /** Closes them at the end of the day. */
  close(): Promise<TillDay>;
}

const FIRST = ["till-1", "till-2"] as const;

/** Opens the tills, and lets their fates happen while the day goes on. */
export async function openTills(options: {
  readonly shop: Shop;
  readonly say: (line: string) => void;
}): Promise<Tills> {
  const { shop, say } = options;
  const counts = { charging: 0, opened: 0 };
  const open = new Map<string, HiredTill>();
  const fates: Promise<void>[] = [];

  const hire = async (name: string): Promise<void> => {
    open.set(name, await shop.hireTill(name, heard));
  };
  const takeAway = (name: string): HiredTill | undefined => {
    const till = open.get(name);
    open.delete(name);
    return till;
  };
  const die = async (): Promise<void> => {
    await takeAway(FIRST[0])?.crash();
    say(`${FIRST[0]} died with calls in hand; their callers ask another, with the same keys`);
    await hire("till-3");
  };
  const leave = async (): Promise<void> => {
    await hire("till-4");
    await takeAway(FIRST[1])?.close();
    say(`${FIRST[1]} was sent home; it finished what it had, and till-4 is in its place`);
  };
  function heard({ kind }: TillEvent): void {
    counts[kind] += 1;
    if (kind !== "charging") return;
    if (counts.charging === TILL_DIES_AT) fates.push(die());
    if (counts.charging === TILL_LEAVES_AT) fates.push(leave());
  }

  await Promise.all(FIRST.map(hire));
  return {
    async close() {
      const ends = await Promise.allSettled(fates);
      await Promise.all([...open.values()].map((till) => till.close()));
      const problems = ends.flatMap((end) =>
        end.status === "rejected" ? [`a till's fate went wrong: ${String(end.reason)}`] : [],
      );
      if (fates.length < 2) problems.push("the tills had no customers to speak of");
      return { charging: counts.charging, breakersOpened: counts.opened, problems };
    },
  };
}
