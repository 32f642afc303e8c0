/** The Redis that `npm run bench` started. */

/** Its URL. */
export function redisUrl(): string {
  const url = process.env["REDIS_URL"];
  if (url === undefined) throw new Error("set REDIS_URL, or run: npm run bench -- idempotency");
  return url;
}
