/**
 * The one entry behind `npm start`, `npm test` and the rest: `node scripts/dev.mjs <command>`.
 *
 * A clone needs no other step. Packages are installed when the lock file asks for it, servers are
 * found or unpacked, and nothing is left running, whatever ends us.
 *
 * This file holds only what must work on a Node that is too old for everything else.
 */
const OLDEST_MAJOR = 20;
const OLDEST_MINOR = 19;

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < OLDEST_MAJOR || (major === OLDEST_MAJOR && minor < OLDEST_MINOR)) {
  const wanted = `${OLDEST_MAJOR}.${OLDEST_MINOR}`;
  console.error(`quorate ✗ Node ${wanted} or newer, please: nvm install 22`);
  process.exit(1);
}

const { main } = await import("./commands.mjs");
await main(process.argv.slice(2));
