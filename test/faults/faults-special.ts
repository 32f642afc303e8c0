/**
 * Faults that need a server of their own: a full disk, a clock that is set, lost members.
 */
import { Redis } from "ioredis";

import type { ServerProcess } from "../../scripts/servers/types.ts";
import { type Fault, holding, pause, workerOf } from "./fault.ts";
import { TTL_MS } from "./protocol.ts";
import type { ClockRig, ClusterRig, DiskRig, QuorumRig, SentinelRig } from "./rigs.ts";

/**
 * The disk is full for one and a half leases. Redis refuses writes until there is room again. NATS
 * gives up its JetStream for good, so there the operator makes room and restarts it.
 */
export function diskFull(cure: "room" | "restart"): Fault<DiskRig> {
  const cured = cure === "room" ? "" : ", and the server is restarted";
  return {
    name: `the disk is full for 1.5 TTL${cured}`,
    exclusion: "kept",
    data: "kept",
    recoveryMs: 2 * TTL_MS + 4_000,
    strike: async ({ rig }) => {
      const empty = rig.disk.fill(rig.server);
      await pause(1.5 * TTL_MS);
      empty();
      if (cure === "restart") await rig.server.restart();
    },
  };
}

/** The server's wall clock jumps, and jumps back. */
export function clockJump(jumpMs: number): Fault<ClockRig> {
  const way = jumpMs > 0 ? "ahead" : "back";
  return {
    name: `the server's clock is set ${Math.abs(jumpMs) / 1_000} s ${way}, and right again`,
    // Ahead, leases end early. Back, nothing ends until the clock has caught up.
    exclusion: "fenced",
    data: "kept",
    recoveryMs: 4_000,
    strike: async ({ rig, workers }) => {
      await holding(workerOf({ workers }, 0), "lock");
      rig.clock.set(jumpMs);
      await insistOnClock(rig.server, jumpMs);
      await pause(TTL_MS);
      rig.clock.set(0);
    },
  };
}

/** A shim that the server does not feel would make a test that cannot fail. */
async function insistOnClock(server: ServerProcess, offsetMs: number): Promise<void> {
  const admin = new Redis(server.url);
  const [seconds] = await admin.time();
  admin.disconnect();
  const seenMs = Number(seconds) * 1_000 - Date.now();
  if (Math.abs(seenMs - offsetMs) > 5_000)
    throw new Error(`the server's clock is ${seenMs} ms off`);
}

/** Faults of a master under sentinels. What it had not replicated is forgotten. */
export const SENTINEL_FAULTS: readonly Fault<SentinelRig>[] = [
  {
    name: "the master is killed",
    exclusion: "fenced",
    data: "lost",
    recoveryMs: 12_000,
    strike: ({ rig }) => rig.sentinel.master.kill(),
  },
  {
    name: "the master is stopped for 4 s",
    exclusion: "fenced",
    data: "lost",
    recoveryMs: 12_000,
    strike: async ({ rig }) => {
      rig.sentinel.master.pause();
      await pause(4_000);
      rig.sentinel.master.resume();
    },
  },
];

/** Faults of a Redis cluster. */
export const CLUSTER_FAULTS: readonly Fault<ClusterRig>[] = [
  {
    name: "two masters of three are killed, one after the other",
    exclusion: "fenced",
    data: "lost",
    recoveryMs: 15_000,
    strike: async ({ rig }) => {
      await rig.cluster.nodes[0]?.kill();
      await pause(4_000); // Its replica has been elected by now: masters elect.
      await rig.cluster.nodes[1]?.kill();
    },
  },
];

/** Faults of three NATS servers. A quorum forgets nothing. */
export const QUORUM_FAULTS: readonly Fault<QuorumRig>[] = [
  {
    name: "the leader is killed, and comes back",
    exclusion: "kept",
    data: "kept",
    recoveryMs: 12_000,
    strike: async ({ rig }) => {
      const leader = await rig.leader();
      await leader.kill();
      await pause(1_000);
      await leader.restart();
    },
  },
  {
    name: "the leader is stopped for 4 s",
    exclusion: "kept",
    data: "kept",
    recoveryMs: 12_000,
    strike: async ({ rig }) => {
      const leader = await rig.leader();
      leader.pause();
      await pause(4_000);
      leader.resume();
    },
  },
  {
    name: "two of three are killed, and come back after 3 s",
    exclusion: "kept",
    data: "kept",
    recoveryMs: 15_000,
    strike: async ({ rig }) => {
      const [one, two] = rig.cluster.nodes as readonly [ServerProcess, ServerProcess];
      await Promise.all([one.kill(), two.kill()]);
      await pause(3_000);
      await Promise.all([one.restart(), two.restart()]);
    },
  },
];
