/** All of `@quorate/core`. */
export * from "@quorate/core";
