/**
 * A door as a plugin of Fastify, without encapsulation of its own.
 *
 * The door is asked in `onRequest`, before the body is read: what is refused costs least there. The
 * flow of calls that the handler belongs to begins in `preHandler`, since reading a body leaves it.
 */
import type { Answer } from "../answer.ts";
import type { FastifyLike, FastifyReplyLike, FastifyRequestLike } from "../fastify.ts";
import { answerReply } from "../fastify-reply.ts";
import type { Door, Entry } from "./door.ts";
import { NodeVisit } from "./node-visit.ts";

type AddHook = (name: string, hook: unknown) => unknown;

/** The plugin. Errors of the door's options go to the error handler. */
export function fastifyDoor<R extends FastifyRequestLike>(
  door: Door<R>,
  name: string,
): (instance: FastifyLike) => Promise<void> {
  const plugin = async (instance: FastifyLike): Promise<void> => {
    const addHook = instance.addHook.bind(instance) as unknown as AddHook;
    const inside = new WeakMap<object, Entry & { readonly kind: "enter" }>();
    addHook("onRequest", async (request: R, reply: FastifyReplyLike) => {
      const { originalUrl, raw } = request;
      const entry = await door.enter(new NodeVisit(request, originalUrl, raw, reply.raw));
      if (entry.kind === "answer") answerReply(reply, entry.answer);
      else inside.set(request, entry);
    });
    addHook("preHandler", (request: R, reply: FastifyReplyLike, done: () => void) => {
      const entry = inside.get(request);
      const late: Answer | undefined = entry?.late?.();
      if (late !== undefined) return answerReply(reply, late);
      if (entry?.within === undefined) done();
      else entry.within(done);
    });
  };
  return Object.assign(plugin, {
    [Symbol.for("skip-override")]: true,
    [Symbol.for("fastify.display-name")]: name,
  });
}
