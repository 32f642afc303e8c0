/**
 * Standings of endpoints, as wrappers put them together from those of their inner balancers.
 */
import type { Standing } from "../balancer.ts";
import type { Endpoint } from "../endpoint.ts";

/** How an endpoint stands with a balancer that does not know of it. */
export function blankStanding(endpoint: Endpoint): Standing {
  const nothing = { weight: 0, share: 0, outstanding: 0, latencyMs: undefined, ejectedForMs: 0 };
  return { endpoint, ...nothing };
}

/** `rows` in the order of `endpoints`, and about those very objects. */
export function standingsOf(
  endpoints: readonly Endpoint[],
  rows: Iterable<Standing>,
): readonly Standing[] {
  const known = new Map<string, Standing>();
  for (const row of rows) known.set(row.endpoint.id, row);
  return endpoints.map((endpoint) => {
    return { ...(known.get(endpoint.id) ?? blankStanding(endpoint)), endpoint };
  });
}
