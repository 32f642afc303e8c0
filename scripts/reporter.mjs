/**
 * Counts a test run into one line: `N passed, N failed`, with `, N skipped` if there are any.
 *
 * A suite whose set-up failed and a file that could not be loaded ran no test; each counts as one
 * failure, as does an error outside any test, so that the line never looks better than the run.
 *
 * Under `npm test` the line goes to a file and is printed when the runner has ended, because it
 * must be the last one; under a bare `npx vitest` it is printed here.
 */
import { writeFileSync } from "node:fs";

/**
 * @import { Reporter, TestModule } from "vitest/node"
 * @import { SerializedError } from "vitest"
 */

/** @implements {Reporter} */
export default class SummaryReporter {
  /**
   * @param {readonly TestModule[]} modules
   * @param {readonly SerializedError[]} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      if (module.errors().length > 0) counts.failed++;
      for (const suite of module.children.allSuites()) {
        if (suite.errors().length > 0) counts.failed++;
      }
      for (const test of module.children.allTests()) counts[test.result().state]++;
    }
    // A test without a result was cut off: by a crash, by a hook that never came back.
    const failed = counts.failed + counts.pending;
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
    const line = `${counts.passed} passed, ${failed} failed${skipped}`;
    const file = process.env["QUORATE_SUMMARY_FILE"];
    if (file === undefined) console.log(line);
    else writeFileSync(file, line);
  }
}
