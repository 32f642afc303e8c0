import { memoryBackend } from "@quorate/memory";
import { describe, expect, it } from "vitest";
import { createElection } from "./create-election.ts";
import type { ElectionOptions } from "./options.ts";

const backend = memoryBackend();

function codeOf(attempt: () => unknown): unknown {
  try {
    attempt();
    return "ok";
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe("createElection", () => {
  it.each<[string, unknown]>([
    ["candidate", ""],
    ["candidate", "x".repeat(257)],
    ["candidate", 7],
    ["value", 7n],
    ["ttlMs", 99],
    ["ttlMs", Number.NaN],
    ["lockDelayMs", -1],
    ["preferred", ""],
    ["minTermMs", -1],
    ["resignWithinMs", "5"],
    ["priority", 1],
  ])("refuses %s: %s", (option, value) => {
    const options = { [option]: value } as unknown as ElectionOptions;
    expect(() => createElection(backend, "job", options)).toThrow(
      expect.objectContaining({
        code: "INVALID_ARGUMENT",
        effect: "none",
        message: expect.stringContaining(option) as string,
      }),
    );
  });

  it("refuses a value that does not fit, a bad name, and what is no backend", () => {
    const tooLong = { value: "x".repeat(4_096) };
    expect(codeOf(() => createElection(backend, "job", tooLong))).toBe("TOO_LARGE");
    expect(codeOf(() => createElection(backend, "a//b"))).toBe("INVALID_ARGUMENT");
    expect(codeOf(() => createElection(backend, "x".repeat(505)))).toBe("TOO_LARGE");
    expect(codeOf(() => createElection({} as never, "job"))).toBe("INVALID_ARGUMENT");
  });

  it("names candidates that have no name, each differently", () => {
    const [a, b] = [createElection(backend, "job"), createElection(backend, "job")];
    expect(a.candidate).not.toBe(b.candidate);
    expect(a.name).toBe("job");
  });

  it("refuses bad options of calls, before anything is sent", async () => {
    const election = createElection(backend, "job");
    const bad: Promise<unknown>[] = [
      election.lead("work" as never),
      election.lead(async () => 1, { signall: 1 } as never),
      election.lead(async () => 1, { signal: {} as never }),
      election.campaign({ waitMs: -1 }),
      election.campaign({ signal: 1 as never }),
      election.resign({ withinMs: -5 }),
      election.transferTo(""),
      election.inspect({ signal: 1 as never }),
    ];
    for (const call of bad) await expect(call).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(() => election.observe({ signal: 1 as never })).toThrow("signal");
    expect(() => election.close({ graceMs: -1 })).toThrow("graceMs");
    expect((await election.inspect()).self.standing).toBe("idle");
  });
});
