/** All of `@quorate/transaction`. */
export * from "@quorate/transaction";
