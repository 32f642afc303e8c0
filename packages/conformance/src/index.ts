/**
 * `@quorate/conformance`: the executable contract of an engine.
 */
export type {
  ConformanceOptions,
  ConformanceReport,
  Harness,
  HarnessFaults,
  Need,
  OpenOptions,
  TestApi,
} from "./harness.ts";
export { missingNeeds } from "./harness.ts";
export { runConformance } from "./suite.ts";
