/**
 * The suite's table of contents.
 */
import { badInput } from "./areas/bad-input.ts";
import { busMore } from "./areas/bus-more.ts";
import { bus } from "./areas/bus.ts";
import { concurrency } from "./areas/concurrency.ts";
import { deadlines } from "./areas/deadlines.ts";
import { faults } from "./areas/faults.ts";
import { fenced } from "./areas/fenced.ts";
import { isolation } from "./areas/isolation.ts";
import { kvDelete } from "./areas/kv-delete.ts";
import { kvPutGet } from "./areas/kv-put-get.ts";
import { leaseQueue } from "./areas/lease-queue.ts";
import { leaseWatches } from "./areas/lease-watches.ts";
import { leases } from "./areas/leases.ts";
import { lists } from "./areas/lists.ts";
import { outages } from "./areas/outages.ts";
import { revisions } from "./areas/revisions.ts";
import { watches } from "./areas/watches.ts";
import { weights } from "./areas/weights.ts";
import type { Area } from "./case.ts";

/** Every area, in the order in which they run: the gentle ones first. */
export const areas: readonly Area[] = [
  kvPutGet,
  kvDelete,
  lists,
  fenced,
  badInput,
  isolation,
  leases,
  leaseQueue,
  weights,
  leaseWatches,
  watches,
  bus,
  busMore,
  concurrency,
  revisions,
  deadlines,
  faults,
  outages,
];
