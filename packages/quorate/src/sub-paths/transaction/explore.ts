/** All of `@quorate/transaction/explore`. */
export * from "@quorate/transaction/explore";
