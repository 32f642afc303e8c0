/** The real opossum with a listener and a filter that throw: who is left waiting, what escapes. */
const Opossum = require("opossum");

/** @type {unknown[]} */
const unhandled = [];
process.on("unhandledRejection", (error) => {
  unhandled.push(error instanceof Error ? error.message : error);
});

const fault = () => Promise.reject(new Error("down"));
const thrower = () => {
  throw new Error("mine");
};

let pending = 2;
const settled = () => (pending -= 1);
const listened = new Opossum(fault);
listened.on("failure", thrower);
listened.fire().then(settled, settled);
new Opossum(fault, { errorFilter: thrower }).fire().then(settled, settled);

setTimeout(() => {
  process.stdout.write(JSON.stringify({ pending, unhandled }));
  process.exit(0);
}, 50);
