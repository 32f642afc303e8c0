/** The registry, through npm: what it has of ours, and one more package put there. */
import { Cure } from "../say.mjs";
import { run } from "../servers/run.mjs";

/** @import { Tarball } from "./plan.mjs" */

/**
 * For one version of our packages. npm's own settings say which registry, and who we are.
 *
 * @param {string} version
 * @param {{ provenance?: boolean }} [options] off only where there is no CI to vouch for: in a test
 */
export function npmRegistry(version, { provenance = true } = {}) {
  // A version with a suffix must not become what `npm install` gives.
  const tag = version.includes("-") ? "next" : "latest";
  return {
    /** @param {string} name */
    async integrityOf(name) {
      const spec = `${name}@${version}`;
      // What npm remembers of the registry may be older than our own last try.
      const flags = ["--json", "--prefer-online"];
      const { ok, output } = await run("npm", ["view", spec, "dist.integrity", ...flags]);
      // A package that is not there is an answer; a registry that is not there is none.
      if (!ok && !output.includes("E404")) throw new Cure(`npm view ${spec}: ${output.trim()}`);
      return /"(sha512-[^"]+)"/.exec(output)?.[1];
    },
    /** @param {Tarball} tarball */
    async publish({ name, file }) {
      const flags = ["--access", "public", "--tag", tag, ...(provenance ? ["--provenance"] : [])];
      const { ok, output } = await run("npm", ["publish", file, ...flags]);
      if (!ok) throw new Cure(`npm publish ${name}: ${output.trim().slice(-600)}`);
    },
  };
}
