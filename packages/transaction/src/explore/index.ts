/**
 * `@quorate/transaction/explore`: every crash of a saga within a budget, before production.
 */
export type { Ending } from "./effects.ts";
export { explore, type ExploreReport, type Finding } from "./explore.ts";
export { formatSchedule } from "./format.ts";
export type { Explored, ExploreOptions, ExploreProgress } from "./options.ts";
export { participant, type Participant, type ParticipantOptions } from "./participant.ts";
export type { StoryLine } from "./story.ts";
