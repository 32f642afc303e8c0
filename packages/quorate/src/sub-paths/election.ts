/** All of `@quorate/election`. */
export * from "@quorate/election";
