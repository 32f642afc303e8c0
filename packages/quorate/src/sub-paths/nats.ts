/** `quorate/nats`: the whole of `@quorate/nats`, whatever it comes to hold. */
export * from "@quorate/nats";
