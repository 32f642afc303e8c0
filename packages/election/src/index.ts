/**
 * `@quorate/election`: Leader election: one leads, the others wait.
 */
export {};
