/**
 * Health: one round trip, and what is wrong or risky, each with its cure.
 */
import type { Health } from "@quorate/core";
import { isCluster } from "./client.ts";
import type { Engine } from "./engine.ts";
import type { CheckedOptions } from "./options.ts";
import { readFacts, type ServerFacts } from "./server-facts.ts";

/** Whether the policy can take our keys away once memory is full. */
export function mayEvict(facts: ServerFacts): boolean {
  return facts.maxMemory > 0 && /^(?:allkeys|volatile)-/.test(facts.evictionPolicy);
}

/** Asks the server how it is. Never throws: that it is down is an answer. */
export async function checkHealth(
  engine: Engine,
  options: CheckedOptions,
  call: { readonly signal?: AbortSignal | undefined; readonly timeoutMs: number },
): Promise<Health> {
  const { link, runtime, scripts, partitions } = engine;
  const startedMs = runtime.time.monotonicMs();
  try {
    const request = { script: scripts.time, keys: [partitions.all[0]?.clock ?? ""], args: [] };
    await link.run({ operation: "health", ...request, ...call, read: true, unchecked: true });
    const roundTripMs = runtime.time.monotonicMs() - startedMs;
    const facts = await readFacts(link.client, runtime, call.timeoutMs);
    const warnings = warningsOf(facts, options, isCluster(link.client));
    return { ok: true, roundTripMs, server: `redis ${facts.version}`, warnings };
  } catch (error) {
    call.signal?.throwIfAborted();
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, warnings: [message] };
  }
}

function warningsOf(
  facts: ServerFacts,
  options: CheckedOptions,
  cluster: boolean,
): readonly string[] {
  const warnings: string[] = [];
  if (mayEvict(facts)) {
    warnings.push(
      `maxmemory-policy is ${facts.evictionPolicy}: redis may drop locks when memory is full; ` +
        "set it to noeviction, or use a server of its own",
    );
  }
  if (!facts.appendOnly) {
    warnings.push(
      "no append-only file: a restart forgets locks and records; set appendonly yes " +
        "(fencing tokens grow all the same)",
    );
  }
  if (!facts.lastSaveOk) {
    warnings.push("the last background save failed: see the server's log and its disk");
  }
  if (facts.role !== "master") {
    warnings.push(`the server is a ${facts.role}: writes will be refused; connect to the master`);
  }
  if (facts.replicas > 0 || cluster) {
    warnings.push(
      "replication is asynchronous: a failover may forget the last grants; use a guard " +
        "(fencing), or `replicas` to make it less likely",
    );
  }
  if (options.replicas > facts.replicas && !cluster) {
    warnings.push(
      `replicas is ${options.replicas}, the server has ${facts.replicas}: no lease can be granted`,
    );
  }
  return warnings;
}
