/**
 * `demo idempotency`: twenty duplicates of one payment at once, from four processes; one charge.
 */
import { deferred } from "@quorate/core";
import type { Claim, Demo } from "./story.ts";

const PODS = ["pod-1", "pod-2", "pod-3", "pod-4"];
const CALLS_EACH = 5;
const KEY = "charge/order-42";

/** The demo. */
export const idempotencyDemo: Demo = {
  name: "idempotency",
  summary: "twenty duplicates of one payment at once, from four processes: one charge",
  next: "quorate demo saga",

  async role(pod) {
    await pod.ask("line up");
    const calls = Array.from({ length: CALLS_EACH }, () =>
      pod.q.once.run(KEY, () => pod.ask("charge")),
    );
    await pod.ask("answers", await Promise.all(calls));
    await pod.dismissed;
  },

  async tell(stage): Promise<readonly Claim[]> {
    const go = deferred<null>();
    const whole = deferred<void>();
    const answers: string[] = [];
    let charges = 0;
    let lined = 0;
    stage.answer((who, what, word) => {
      if (what === "line up") {
        lined += 1;
        if (lined === PODS.length) {
          stage.say(
            `${lined} processes send ${lined * CALLS_EACH} times the same payment, at once`,
          );
          go.resolve(null);
        }
        return go.promise;
      }
      if (what === "charge") {
        charges += 1;
        stage.say(`the card is charged, for ${who}`);
        return `receipt-${charges}`;
      }
      const own = word as readonly string[];
      answers.push(...own);
      stage.say(`${who} got ${own.join(" ")}`);
      if (answers.length >= PODS.length * CALLS_EACH) whole.resolve();
      return null;
    });
    const pods = await Promise.all(PODS.map((name) => stage.start(name)));
    await stage.until("all answers", whole.promise);
    const late = await stage.q.once.run(KEY, () => "charged again");
    stage.say(`the same payment once more, now: ${late}`);
    await Promise.all(pods.map((pod) => pod.dismiss()));
    return [
      { claim: "the card was charged once", isKept: charges === 1 },
      {
        claim: `all ${PODS.length * CALLS_EACH} callers got the one receipt`,
        isKept: answers.every((answer) => answer === "receipt-1"),
      },
      { claim: "so does who comes later", isKept: late === "receipt-1" },
    ];
  },
};
