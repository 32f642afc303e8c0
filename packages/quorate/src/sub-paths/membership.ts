/** `quorate/membership`: the whole of `@quorate/membership`, whatever it comes to hold. */
export * from "@quorate/membership";
