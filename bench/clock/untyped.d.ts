/** vectorclock ships no types; this is the part of it that is used. */
declare module "vectorclock" {
  type Counts = Record<string, number>;

  const vectorclock: {
    /** -1, 0 or 1; 0 for equal and for concurrent. */
    compare(left: Counts, right: Counts): number;
    merge(left: Counts, right: Counts): Counts;
  };
  export default vectorclock;
}
