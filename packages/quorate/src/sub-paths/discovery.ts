/** `quorate/discovery`: the whole of `@quorate/discovery`, whatever it comes to hold. */
export * from "@quorate/discovery";
