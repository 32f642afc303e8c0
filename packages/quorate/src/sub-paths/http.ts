/** `quorate/http`: the whole of `@quorate/http`, whatever it comes to hold. */
export * from "@quorate/http";
