/** Ours, as the README shows it: `createElection(redisBackend(new Redis(url)), name)`. */
import { connect as connectNats } from "@nats-io/transport-node";
import { type Backend, isQuorateError } from "@quorate/core";
import { createElection, type Leadership } from "@quorate/election";
import { natsBackend } from "@quorate/nats";
import { redisBackend } from "@quorate/redis";

import { connectAs } from "./client.ts";
import type { Candidate, ElectionContender, Poll } from "./contender.ts";

/** @quorate/election on @quorate/redis. */
export const quorate: ElectionContender = {
  id: "quorate",
  title: "quorate on Redis",
  engine: "redis",
  async join(poll) {
    const { redis, failNextCommand } = connectAs("quorate", poll.url);
    return { ...(await candidateOn(redisBackend(redis), poll)), failNextCommand };
  },
};

/** @quorate/election on @quorate/nats. */
export const quorateNats: ElectionContender = {
  id: "quorate-nats",
  title: "quorate on NATS",
  engine: "nats",
  async join(poll) {
    return candidateOn(natsBackend(await connectNats({ servers: poll.url })), poll);
  },
};

/** A candidate on `backend`. */
export async function candidateOn(
  backend: Backend,
  { name, ttlMs, onElected }: Omit<Poll, "url">,
): Promise<Candidate> {
  await backend.ready();
  const election = createElection(backend, name, { ttlMs });
  let leadership: Leadership | undefined;
  const work = (ours: Leadership): Promise<void> => {
    leadership = ours;
    onElected();
    return new Promise((resolve) => ours.signal.addEventListener("abort", () => resolve()));
  };
  // Comes back by itself after every loss; ends when it resigns.
  const stand = (): void => {
    election.lead(work).catch((error: unknown) => {
      if (!isQuorateError(error, "CLOSED")) throw error;
    });
  };
  stand();
  return {
    leads: () => leadership?.isLeader === true,
    resign: async () => void (await election.resign()),
    stand,
  };
}
