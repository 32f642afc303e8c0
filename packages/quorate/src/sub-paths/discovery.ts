/** All of `@quorate/discovery`. */
export * from "@quorate/discovery";
