/**
 * What is asked in every call: a quote, about 130 bytes as JSON, checked by zod on both sides both
 * ways, whoever carries it.
 */
import { z } from "zod";

/** What goes in. */
export const Input = z.object({
  order: z.string(),
  customer: z.string(),
  cents: z.int(),
  note: z.string(),
});

/** What comes out. */
export const Output = z.object({
  order: z.string(),
  cents: z.int(),
  accepted: z.boolean(),
  note: z.string(),
});

export type Quote = z.infer<typeof Input>;
export type Quoted = z.infer<typeof Output>;

/** The question of every call. */
export const QUOTE: Quote = {
  order: "order-0000000001",
  customer: "customer-000001234",
  cents: 129_900,
  note: "please leave it at the back door",
};

/** The work. */
export function quote({ order, cents, note }: Quote): Quoted {
  return { order, cents: cents + 1, accepted: true, note };
}

/** Bytes of the question and of its answer. */
export const SIZES = {
  input: JSON.stringify(QUOTE).length,
  output: JSON.stringify(quote(QUOTE)).length,
};

/** What a rival's server does with a question: read, check, work, check, write. */
export function answerText(text: string): string {
  return JSON.stringify(Output.parse(quote(Input.parse(JSON.parse(text)))));
}

/** What a rival's client does before the question. */
export function questionText(question: Quote): string {
  return JSON.stringify(Input.parse(question));
}

/** And after the answer. */
export function readAnswer(text: string): Quoted {
  return Output.parse(JSON.parse(text));
}
