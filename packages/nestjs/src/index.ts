/**
 * Quorate for NestJS.
 */
export {};
