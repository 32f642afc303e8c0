/** `quorate/core`: the whole of `@quorate/core`, whatever it comes to hold. */
export * from "@quorate/core";
