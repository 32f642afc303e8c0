/** `quorate/cron`: the whole of `@quorate/cron`, whatever it comes to hold. */
export * from "@quorate/cron";
