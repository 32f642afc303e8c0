/** All of `@quorate/http`. */
export * from "@quorate/http";
