/**
 * `@quorate/membership`: who is alive.
 */
export { createGossip } from "./gossip/create-gossip.ts";
export type { GossipFailed, GossipReborn, GossipRefused, GossipSubject } from "./gossip/events.ts";
export {
  type Fact,
  type FactChange,
  Facts,
  type FactsOptions,
  type Heard,
} from "./gossip/facts.ts";
export type { Gossip, GossipEvent, GossipOptions, GossipStats } from "./gossip/gossip.ts";
export {
  type FactEntry,
  Ledger,
  type LedgerBounds,
  type OwnerDelta,
  type OwnerVersion,
} from "./gossip/ledger.ts";
export {
  type GossipEffect,
  type GossipInput,
  GossipMachine,
  type GossipSettings,
} from "./gossip/machine.ts";
export type { GossipMessage } from "./gossip/messages.ts";
export type { GossipBackend } from "./gossip/options.ts";
export { Peers as GossipPeers } from "./gossip/peers.ts";
export type { Rumour, RumourRef } from "./gossip/rumours.ts";
export type {
  LeaseMemberChanged,
  LeaseMemberSubject,
  LeaseMembershipFailed,
  MemberLeaseLost,
  MemberNameTaken,
  MemberRecordInvalid,
} from "./leases/events.ts";
export {
  createLeaseMembership,
  type LeaseMembership,
  type MembershipWaitOptions,
} from "./leases/lease-membership.ts";
export type { LeaseMembershipOptions } from "./leases/options.ts";
// Failure detectors, and the machine that confirms before it convicts.
export { ChenDetector, type ChenDetectorOptions } from "./detectors/chen-detector.ts";
export {
  UNSUSPECTED,
  type Confirmation,
  type ConfirmationEffect,
  type ConfirmationInput,
  type ConfirmationSettings,
  type ConfirmationStep,
  stepConfirmation,
  wakeOfConfirmation,
} from "./detectors/confirmation.ts";
export { DeadlineDetector, type DeadlineDetectorOptions } from "./detectors/deadline-detector.ts";
export type {
  DetectorOptions,
  FailureDetector,
  HeartbeatArrival,
  MakeDetector,
  PeerStatus,
} from "./detectors/detector.ts";
export { PhiDetector, type PhiDetectorOptions } from "./detectors/phi-detector.ts";
// Heartbeats over a bus.
export { createHeartbeats } from "./heartbeats/create-heartbeats.ts";
export type {
  DropReason,
  MembershipChanged,
  MembershipConflict,
  MembershipDropped,
  MembershipFailed,
  MembershipSubject,
} from "./heartbeats/events.ts";
export type { Heartbeats } from "./heartbeats/heartbeats.ts";
export {
  type HeartbeatBackend,
  type HeartbeatOptions,
  MAX_HEARTBEAT_MEMBERS,
} from "./heartbeats/options.ts";
export { MAX_MEMBER_DATA_BYTES } from "./heartbeats/wire.ts";
// What all kinds of membership have in common.
export type {
  Member,
  MemberChanged,
  Membership,
  MembershipEvent,
  MembershipWatchOptions,
  MemberState,
} from "./membership.ts";
export { resolveSplit, type SplitDecision, type SplitVerdict } from "./split/resolve.ts";
export type { RosterOptions } from "./split/roster.ts";
export { SplitTimer, type SplitTimerOptions } from "./split/split-timer.ts";
export {
  keepMajority,
  keepOldest,
  keepReferee,
  leaseMajority,
  type SplitStrategy,
  staticQuorum,
} from "./split/strategies.ts";
export {
  type BrokenLink,
  indirectlyConnected,
  type SplitMember,
  type SplitReach,
  type SplitStanding,
  type SplitView,
} from "./split/view.ts";
export {
  type SplitVerdictReached,
  type SplitWatch,
  type SplitWatchFailed,
  type SplitWatchOptions,
  watchSplit,
} from "./split/watch-split.ts";
// SWIM with Lifeguard.
export { busTransport, type BusTransportOptions } from "./swim/bus-transport.ts";
export type { SwimEffect, SwimSettings } from "./swim/ground.ts";
export { type SwimInput, SwimMachine } from "./swim/machine.ts";
export { type SwimCut, SwimNetwork } from "./swim/memory-transport.ts";
export {
  MAX_SWIM_DATA_BYTES,
  type News as SwimNews,
  readNews as readSwimNews,
  writeNews as writeSwimNews,
} from "./swim/news.ts";
export {
  decodePacket as decodeSwimPacket,
  type Digest as SwimDigest,
  encodePacket as encodeSwimPacket,
  MAX_PACKET_BYTES as MAX_SWIM_PACKET_BYTES,
  type PacketRefusal as SwimPacketRefusal,
  type PacketResult as SwimPacketResult,
  type Sender as SwimSender,
  type SwimMessage,
  type SwimPacket,
} from "./swim/packet.ts";
export { createSwim } from "./swim/create-swim.ts";
export type { Swim, SwimStats } from "./swim/swim.ts";
export type {
  SwimAccused,
  SwimChanged,
  SwimConflict,
  SwimFailed,
  SwimPaused,
  SwimRefusal,
  SwimRefused,
  SwimSubject,
} from "./swim/swim-events.ts";
export type { IncarnationStore, SwimOptions } from "./swim/swim-options.ts";
export { SWIM_TIMINGS, type SwimTiming, type SwimTimingOption } from "./swim/timing.ts";
export type { SwimTransport } from "./swim/transport.ts";
export { udpTransport, type UdpTransportOptions } from "./swim/udp-transport.ts";
