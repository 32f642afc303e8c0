/**
 * `@quorate/core/testing`: what a test needs to script time and chance.
 */
export {
  type RecordedEvent,
  ScriptedRuntime,
  type ScriptedRuntimeOptions,
  seededRandom,
} from "./runtime/scripted.ts";
