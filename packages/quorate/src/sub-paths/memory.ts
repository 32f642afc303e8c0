/** `quorate/memory`: the whole of `@quorate/memory`, whatever it comes to hold. */
export * from "@quorate/memory";
