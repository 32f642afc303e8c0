/**
 * Ends this process when the one that started it is gone, however it went: a test that is killed
 * leaves no child behind. For programs that a test starts; import it first.
 */
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.exit(1);
}, 1_000).unref();
