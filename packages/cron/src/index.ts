/**
 * `@quorate/cron`: Scheduled jobs that run once a tick over the whole fleet.
 */
export {};
