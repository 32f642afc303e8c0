/**
 * Which channels the sources publish on, and what: read from the text of the packages.
 *
 * Channels are looked up in four ways: by name with the type of the event; as a field of an object
 * or a class whose type says it; by `Signals`, whose channels are its kind and the event's name;
 * and by name alone.
 */
import { listFiles, readSource } from "../support/repository.ts";

/** Sources of the packages, without tests. */
export function sources(): { readonly path: string; readonly text: string }[] {
  return listFiles("packages")
    .filter((path) => /^packages\/[\w-]+\/src\/.*\.ts$/.test(path))
    .filter((path) => !/\.(test|fixture)\.ts$/.test(path))
    .map((path) => readSource(path));
}

/** The names of the events' types by channel. */
export function channelsInSources(): Map<string, string[]> {
  const found = new Map<string, Set<string>>();
  const add = (channel: string, type: string): void => {
    found.set(channel, (found.get(channel) ?? new Set()).add(type));
  };
  for (const { path, text } of sources()) {
    // Not what is written in comments.
    const code = text.replaceAll(/^\s*(\*|\/\*).*$/gm, "");
    for (const [, type = "", channel = ""] of code.matchAll(
      /\.channel<(\w+)>\(\s*"([a-z.-]+)"\s*\)/g,
    )) {
      add(channel, type);
    }
    for (const [, field = "", channel = ""] of code.matchAll(
      /#?(\w+)(?::| =) (?:\w+\.)*events\.channel\(\s*"([a-z.-]+)"\s*\)/g,
    )) {
      add(channel, new RegExp(`\\b${field}: EventChannel<(\\w+)>`).exec(code)?.[1] ?? "?");
    }
    for (const { kind, type, events } of signalsIn(path, code)) {
      for (const event of events) add(`${kind}.${kebab(event)}`, `${type}["${event}"]`);
    }
  }
  return new Map([...found].map(([channel, types]) => [channel, [...types].toSorted()]));
}

/** Files that look channels up by what is no literal: each must be known to what is above. */
export function channelsByVariable(): string[] {
  return sources()
    .filter(({ text }) => /events\.channel(<[^>]*>)?\((?!\s*")/.test(text))
    .map(({ path }) => path);
}

function signalsIn(path: string, code: string) {
  const made = /new Signals(?:<\w+>)?\([^,]+, (?:"([a-z-]+)"|RATE_LIMIT)\)/.exec(code);
  const events = [...code.matchAll(/signals\.send\(\s*"(\w+)"/g)].map(([, event = ""]) => event);
  if (made === null && !path.endsWith("/rate-events.ts")) return [];
  const type = /Signals<(\w+)>/.exec(code)?.[1] ?? "?";
  return [{ kind: made?.[1] ?? "rate-limit", type, events }];
}

function kebab(event: string): string {
  return event.replaceAll(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
}
