/**
 * Interleaved rounds.
 *
 * Every contender is measured once in every round, and each round starts with another one. What
 * the machine does meanwhile (a neighbour, a frequency step, a warm cache) then meets all of them,
 * and a ratio taken within a round is worth more than either figure.
 */

/** `contenders` as round `round` runs them: rotated, so that nobody always comes first. */
export function rotated<T>(contenders: readonly T[], round: number): T[] {
  const start = contenders.length === 0 ? 0 : round % contenders.length;
  return [...contenders.slice(start), ...contenders.slice(0, start)];
}

/**
 * Runs `measure` for every contender in every round, one at a time. Round -1 is the warm-up and is
 * thrown away. The answer lists each contender's samples by round.
 */
export async function interleave<C, S>(
  contenders: readonly C[],
  rounds: number,
  measure: (contender: C, round: number) => Promise<S>,
): Promise<Map<C, S[]>> {
  const samples = new Map<C, S[]>(contenders.map((contender) => [contender, []]));
  for (let round = -1; round < rounds; round++) {
    for (const contender of rotated(contenders, round + 1)) {
      const sample = await measure(contender, round);
      if (round >= 0) samples.get(contender)?.push(sample);
    }
  }
  return samples;
}
