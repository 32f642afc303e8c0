/** All of `@quorate/rpc`. */
export * from "@quorate/rpc";
