import { describe, expect, it } from "vitest";
import { readArguments } from "./arguments.ts";
import { COMMANDS } from "./commands.ts";
import { callOf, helpOf } from "./help.ts";

const read = (line: string, env: Record<string, string> = {}) =>
  readArguments(line.split(" ").filter(Boolean), COMMANDS, env);

describe("a command line", () => {
  it.each([
    ["doctor --redis h:1", "redis://h:1"],
    ["--nats h:2 doctor", "nats://h:2"],
    ["doctor --url tls://h:3 --redis h:1", "tls://h:3"],
    ["doctor", "redis://env:4"],
  ])("%j asks the store at %s", (line, url) => {
    expect(read(line, { REDIS_URL: "redis://env:4" })).toMatchObject({
      kind: "run",
      target: { url },
    });
  });

  it("is a command, its arguments and its options", () => {
    const asked = read("idem forget order-7 --why broken --yes --namespace shop");
    expect(asked).toMatchObject({
      kind: "run",
      args: ["order-7"],
      isYes: true,
      isJson: false,
      target: { namespace: "shop" },
    });
    expect(asked.kind === "run" && asked.options.get("why")).toBe("broken");
  });

  it.each([
    ["idem forget", "<key> is missing"],
    ["lock show a b", '"b" is one argument too many'],
    ["lock break a --force", "--force"],
    ["locks", 'there is no command "locks"'],
    ["lock", 'there is no command "lock"'],
    ["idem forget k --wyh x", "idem forget has no option --wyh"],
    ["idem forget k --why", "--why"],
  ])("%j is not understood, and says why", (line, problem) => {
    const asked = read(line);
    expect(asked.kind === "misused" && asked.problem).toContain(problem);
  });

  it.each([
    ["doctr", "did you mean quorate doctor?"],
    ["lokc ls", "did you mean quorate lock ls?"],
    ["lock brake", "did you mean quorate lock break?"],
    ["sga", "did you mean quorate saga?"],
    ["lock", "there is quorate lock ls, lock show, lock break"],
    ["frobnicate", "see quorate help"],
    ["idem forget k --wyh x", "did you mean --why?"],
    ["lock show --jsn a", "did you mean --json?"],
  ])("%j is answered with what was probably meant", (line, cure) => {
    const asked = read(line);
    expect(asked.kind === "misused" && asked.cure).toContain(cure);
  });

  it.each(["", "help", "help saga", "saga --help", "saga show -h"])("%j asks for help", (line) => {
    expect(read(line).kind).toBe("help");
  });
});

describe("the help", () => {
  it("has every command once, within 100 columns where it can", () => {
    const all = helpOf(COMMANDS, []);
    for (const command of COMMANDS) {
      expect(all.split(`${callOf(command)} `).length, callOf(command)).toBe(2);
    }
  });

  it("tells the options of a command", () => {
    expect(helpOf(COMMANDS, ["idem", "forget"])).toMatch(/--why TEXT +.*needed/);
    expect(helpOf(COMMANDS, ["idem", "forget"])).not.toContain("quorate saga");
  });
});

it("warns before every verb that cannot be taken back", () => {
  const destructive = COMMANDS.filter(({ warning }) => warning !== undefined).map(({ path }) =>
    path.join(" "),
  );
  expect(destructive).toEqual(
    expect.arrayContaining(["lock break", "leader resign", "idem forget", "breaker isolate"]),
  );
});
