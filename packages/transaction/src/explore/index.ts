/**
 * `@quorate/transaction/explore`: every crash of a saga, found before production.
 */
export {};
