/**
 * A failing schedule in words.
 */
import type { Finding } from "./explore.ts";

/**
 * What went wrong, line by line; faults are marked by `!`.
 *
 * @example
 * import { saga } from "@quorate/transaction";
 * import { explore, formatSchedule } from "@quorate/transaction/explore";
 * const careless = saga("careless", { version: 1, input: (input: string) => input })
 *   .step("book", { run: () => ({ id: "b-1" }), undo: ({ out }) => void out.book!.id })
 *   .returns(({ out }) => out.book);
 * const make = () => ({ saga: careless, input: "x" });
 * const { shortest } = await explore(make, { stopAtFirst: true });
 * if (shortest !== undefined) console.log(formatSchedule(shortest));
 */
export function formatSchedule({ violation, faults, story }: Finding): string {
  const count = faults === 1 ? "1 fault" : `${faults} faults`;
  const lines = story.map(({ who, what, isFault, atMs }, index) => {
    const mark = isFault ? "!" : " ";
    const time = `${(atMs / 1_000).toFixed(1)} s`.padStart(9);
    const subject = who === "" ? "" : `${who} `;
    return `${mark}${String(index + 1).padStart(3)} ${time}  ${subject}${what}`;
  });
  return [`With ${count}: ${violation}`, ...lines, ""].join("\n");
}
