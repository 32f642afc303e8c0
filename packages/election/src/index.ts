/**
 * `@quorate/election`: leader election on leases, and Bully and Ring without a store.
 */
export { createElection } from "./create-election.ts";
export type { Election, ElectionStanding, ElectionState, TransferAnswer } from "./election.ts";
export type { EndReason } from "./election-errors.ts";
export type {
  Elected,
  ElectionFailed,
  ElectionSubject,
  SteppingDown,
  TermEnded,
  WorkOverdue,
} from "./events.ts";
export type { Leadership, ResignAnswer } from "./leadership.ts";
export {
  type CampaignOptions,
  DEFAULT_ELECTION_TTL_MS,
  DEFAULT_RESIGN_WITHIN_MS,
  type ElectionOptions,
  type LeadOptions,
  MIN_ELECTION_TTL_MS,
  type WithinOptions,
} from "./options.ts";
export type { Leader, Observation } from "./view.ts";
// Without a store: hints, and epochs for those who must be sure.
export { createBullyElection, createRingElection } from "./without-store/create.ts";
export type {
  Epoch,
  HintElection,
  HintElectionOptions,
  LeaderHint,
} from "./without-store/hint-election.ts";
export type {
  HintChanged,
  HintFailed,
  HintIgnored,
  HintNamesake,
  HintSubject,
} from "./without-store/hint-events.ts";
export type { HintBackend } from "./without-store/hint-options.ts";
export { MAX_HINT_MEMBERS, type RankOrder } from "./without-store/members.ts";
export type { HintTimingOptions } from "./without-store/timing.ts";
