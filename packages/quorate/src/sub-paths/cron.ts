/** All of `@quorate/cron`. */
export * from "@quorate/cron";
