/** All of `@quorate/membership`. */
export * from "@quorate/membership";
