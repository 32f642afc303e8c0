/**
 * Draining: after each event, every promise settles that can, before the next event is chosen.
 *
 * A turn of the real event loop runs every promise job that is due, however long the chain. So a
 * run depends on its schedule alone, and can be run again.
 */

/** Turns of the event loop, asked for one at a time. */
export class Drain {
  readonly #channel = new MessageChannel();
  #resume: () => void = () => {};

  constructor() {
    this.#channel.port2.on("message", () => this.#resume());
  }

  /** Resolves when nothing is left that could run by itself. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#resume = resolve;
      this.#channel.port1.postMessage(0);
    });
  }

  /** Lets the process end. */
  close(): void {
    this.#channel.port1.close();
  }
}
