/**
 * What the three parts of the backend share: link, scripts, places, clocks, bounds.
 */
import type { Lifecycle, RequestBounds, Runtime } from "@quorate/core";
import type { Link } from "./link.ts";
import type { ReplicaCheck } from "./replica-check.ts";
import type { Partitions } from "./partitions.ts";
import type { Scripts } from "./scripts.ts";
import type { ServerClocks } from "./server-clock.ts";
import type { Subscriber } from "./subscriber.ts";

/** One backend, from inside. */
export interface Engine {
  readonly runtime: Runtime;
  readonly link: Link;
  readonly scripts: Scripts;
  readonly partitions: Partitions;
  readonly clocks: ServerClocks;
  readonly subscriber: Subscriber;
  readonly lifecycle: Lifecycle;
  readonly bounds: RequestBounds;
  /** Keys of one command must share a slot. */
  readonly clustered: boolean;
  /** Present where a grant must have reached replicas before it counts. */
  readonly replicas: ReplicaCheck | undefined;
}
