import { describe, expect, it } from "vitest";
import { WriteBatches } from "./write-batches.ts";

/** A socket that notes what left together. */
class Socket {
  readonly writes: number[][] = [];
  #held: number[] | undefined;

  cork(): void {
    this.#held ??= [];
  }

  uncork(): void {
    if (this.#held !== undefined && this.#held.length > 0) this.writes.push(this.#held);
    this.#held = undefined;
  }

  write(command: number): void {
    if (this.#held === undefined) this.writes.push([command]);
    else this.#held.push(command);
  }
}

function world(socket = new Socket()) {
  const batches = new WriteBatches();
  const send = (from: number, to: number): void => {
    for (let command = from; command <= to; command += 1) {
      batches.begin(socket);
      socket.write(command);
      batches.end();
    }
  };
  return { socket, batches, send };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const sizes = ({ writes }: Socket) => writes.map(({ length }) => length);

describe("the commands of one turn", () => {
  it("leave at once, then by twos, fours and eights, in order, all by its end", async () => {
    const { socket, send } = world();
    send(1, 26);
    expect(sizes(socket)).toEqual([1, 2, 4, 8, 8]);
    await turn();
    expect(sizes(socket)).toEqual([1, 2, 4, 8, 8, 3]);
    expect(socket.writes.flat()).toEqual(Array.from({ length: 26 }, (_, index) => index + 1));
  });

  it("are those of all promises that go on in it", async () => {
    const { socket, send } = world();
    await Promise.all([1, 2, 3].map(async (command) => send(command, command)));
    await turn();
    expect(sizes(socket)).toEqual([1, 2]);
  });

  it("are counted anew in the next", async () => {
    const { socket, send } = world();
    for (const from of [1, 4, 7]) {
      send(from, from + 2);
      await turn();
    }
    expect(sizes(socket)).toEqual([1, 2, 1, 2, 1, 2]);
  });
});

describe("a connection", () => {
  it("that takes the other's place in a turn holds nothing of it back", async () => {
    const { batches } = world();
    const [old, next] = [new Socket(), new Socket()];
    for (const [command, socket] of [old, old, next, next].entries()) {
      batches.begin(socket);
      socket.write(command);
      batches.end();
    }
    await turn();
    expect([old.writes.flat(), next.writes.flat()]).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(sizes(next)).toEqual([1, 1]);
  });

  it("that cannot hold back, or is not there yet, is written to as ever", async () => {
    const { batches, socket, send } = world();
    for (const stream of [undefined, {}]) {
      batches.begin(stream);
      batches.end();
    }
    send(1, 3);
    await turn();
    expect(sizes(socket)).toEqual([1, 2]);
  });
});
