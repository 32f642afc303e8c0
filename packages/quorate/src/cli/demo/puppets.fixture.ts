/**
 * Demos' processes in this process, for tests: what they say is copied as on its way to another,
 * and one that is killed is never heard of again.
 */
import { deferred } from "@quorate/core";
import { DEMOS } from "./demos.ts";
import { type FromPod, play, type ToPod } from "./pod.ts";
import type { Hire } from "./stage.ts";

/** Starts puppets. */
export const inProcess: Hire = (facts, hear) => {
  const exited = deferred<string>();
  const inbox: ToPod[] = [];
  const outbox: FromPod[] = [];
  let listener: (message: ToPod) => void = (message) => void inbox.push(message);
  let isDead = false;
  let isFrozen = false;
  const thawed = deferred<void>();
  const deliver = <T>(queue: T[], message: T, to: (message: T) => void): void => {
    const copy = structuredClone(message);
    if (isFrozen) queue.push(copy);
    else queueMicrotask(() => isDead || to(copy));
  };
  void play(facts, DEMOS, {
    send: (message) => deliver(outbox, message, hear),
    listen: (to) => void (listener = to),
    freeze: () => {
      isFrozen = true;
      return thawed.promise;
    },
  });
  return {
    exited: exited.promise,
    send: (message) => deliver(inbox, message, (one) => listener(one)),
    kill() {
      isDead = true;
      exited.resolve("SIGKILL");
    },
    thaw() {
      isFrozen = false;
      for (const message of outbox.splice(0)) hear(message);
      for (const message of inbox.splice(0)) listener(message);
      thawed.resolve();
    },
    release: () => exited.resolve("0"),
  };
};
