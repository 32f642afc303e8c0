/** All of `@quorate/core/testing`. */
export * from "@quorate/core/testing";
