/**
 * Primes, for the sizes of Maglev's tables: some millions, so trial division is quick enough.
 */

/** True for a prime. */
export function isPrime(number: number): boolean {
  if (!Number.isInteger(number) || number < 2) return false;
  for (let divisor = 2; divisor * divisor <= number; divisor++) {
    if (number % divisor === 0) return false;
  }
  return true;
}

/** The least prime that is `number` or more. */
export function primeFrom(number: number): number {
  let candidate = Math.max(2, Math.ceil(number));
  while (!isPrime(candidate)) candidate += 1;
  return candidate;
}
