/** Another process, which heard of the same nodes in another order and with detours. */
import { HashRing } from "./hash-ring.ts";

const ring = HashRing.of(["gone", { id: "b", weight: 7 }])
  .with("😀")
  .with({ id: "b", weight: 0.5, zone: "eu" })
  .with("a")
  .without("gone")
  .with("é");
const keys = Array.from({ length: 2_000 }, (_, index) => `user:${index}`);
process.send?.({
  fingerprint: ring.fingerprint,
  owners: keys.map((key) => ring.owner(key)),
});
