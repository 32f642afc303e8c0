/** `quorate/ring`: the whole of `@quorate/ring`, whatever it comes to hold. */
export * from "@quorate/ring";
