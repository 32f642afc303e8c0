/**
 * The desk: what all calls of one barrier work with.
 */
import type { KvStore, Runtime } from "@quorate/core";

import type { BarrierEvents } from "./events.ts";
import type { CheckedOptions } from "./options.ts";

/** What the calls of one barrier share. */
export interface Desk {
  readonly kv: KvStore;
  readonly runtime: Runtime;
  readonly events: BarrierEvents;
  readonly options: CheckedOptions;
}
