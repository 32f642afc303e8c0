/**
 * A fleet's day in one process, with the packages that a user installs: run by every Node.js that
 * we promise, once in memory and once for each URL given. Prints nothing if all is as promised.
 */
import assert from "node:assert/strict";

import { connect } from "quorate";
import { refuse } from "quorate/core";
import { contract } from "quorate/rpc";
import { saga } from "quorate/transaction";

/** @param {unknown} value */
const any = (value) => /** @type {any} */ (value);

/** A schema that lets everything pass. */
const anything = {
  "~standard": {
    version: /** @type {const} */ (1),
    vendor: "none",
    validate: (/** @type {unknown} */ value) => ({ value: any(value) }),
  },
};

/** @param {string} url */
async function day(url) {
  const q = await connect(url, { name: "pod", namespace: `day-${process.pid}` });

  // Two who want one lock run one after the other, and the later has the higher token.
  /** @type {string[]} */
  const told = [];
  const hold = async (/** @type {string} */ who) =>
    await q.lock.run("stock", async (lock) => {
      told.push(`${who} in`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      told.push(`${who} out`);
      return lock.fencingToken;
    });
  const [first, second] = await Promise.all([hold("a"), hold("b")]);
  assert.equal(told[0]?.slice(0, 1), told[1]?.slice(0, 1));
  assert.notEqual(first, second);

  let charged = 0;
  const charge = () => q.once.run("charge/1", () => ++charged);
  assert.deepEqual(await Promise.all([charge(), charge()]), [1, 1]);

  /** @type {string[]} */
  const undone = [];
  const trip = saga("trip", {
    version: 1,
    input: (/** @type {{ seats: number }} */ input) => input,
  })
    .step("seat", { run: () => "12a", undo: () => void undone.push("seat") })
    .step("pay", {
      run: ({ input }) => {
        if (input.seats > 1) throw refuse("no money");
        return "paid";
      },
      undo: "none",
    })
    .returns(({ out }) => `${out.seat} ${out.pay}`);
  q.sagas.serve(trip);
  assert.equal(await q.sagas.run(trip, { id: "t-1", input: { seats: 1 } }), "12a paid");
  const failed = q.sagas.run(trip, { id: "t-2", input: { seats: 2 } });
  await assert.rejects(failed, { code: "SAGA_COMPENSATED", effect: "none" });
  assert.deepEqual(undone, ["seat"]);

  /** @type {string[]} */
  const ran = [];
  q.cron.schedule("books", "0 3 1 1 *", ({ key }) => void ran.push(key));
  await q.cron.trigger("books", { id: "now" });
  while (ran.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));

  const sums = contract("sums", "1.0.0", {
    add: { input: anything, output: anything, repeat: "safe" },
  });
  await q.rpc.serve(sums, { add: (numbers) => any(numbers)[0] + any(numbers)[1] });
  assert.equal(await any(q.rpc.client(sums)).add([2, 3]), 5);

  await q.close();
  assert.equal(ran.length, 1);
}

for (const url of ["memory:", ...process.argv.slice(2)]) await day(url);
