/**
 * The JetStream API of a cluster, word for word as a test has it.
 */
import { FakeConnection } from "./fake-connection.fixture.ts";
import { ErrCode } from "./jetstream/answers.ts";

/** There is no such stream, or the leader does not know of it. */
export const NOT_FOUND: object = {
  error: { code: 404, err_code: ErrCode.streamNotFound, description: "stream not found" },
};

/** A cluster that answers in the order of its script; its last word it says for ever. */
export class ScriptedCluster extends FakeConnection {
  /** What was asked for: INFO, CREATE. */
  readonly asked: string[] = [];
  readonly script: object[] = [];

  override publish(subject: string, payload?: Uint8Array, options?: object): void {
    super.publish(subject, payload, options);
    this.asked.push(subject.split(".")[3] ?? "");
    const [word = NOT_FOUND] = this.script.length > 1 ? this.script.splice(0, 1) : this.script;
    const index = this.published.length - 1;
    queueMicrotask(() => this.answer(index, { data: Buffer.from(JSON.stringify(word)) }));
  }
}
