/**
 * `@quorate/rpc`: typed calls between services that say whether they happened.
 */
export {};
