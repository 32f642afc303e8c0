/** All of `@quorate/nats`. */
export * from "@quorate/nats";
