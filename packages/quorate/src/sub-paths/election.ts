/** `quorate/election`: the whole of `@quorate/election`, whatever it comes to hold. */
export * from "@quorate/election";
