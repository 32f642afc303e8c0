/**
 * `@quorate/transaction`: Sagas, TCC, two-phase commit, barriers, outbox and inbox.
 */
export {};
