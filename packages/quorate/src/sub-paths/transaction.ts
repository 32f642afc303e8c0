/** `quorate/transaction`: the whole of `@quorate/transaction`, whatever it comes to hold. */
export * from "@quorate/transaction";
