/** `quorate/rpc`: the whole of `@quorate/rpc`, whatever it comes to hold. */
export * from "@quorate/rpc";
