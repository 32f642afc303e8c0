/**
 * A response whose body tells when it was read to its end, failed, or was given up.
 */

/** The same response; `ended` is called once. Nothing is read ahead of the reader. */
export function untilRead(response: Response, ended: () => void): Response {
  const source = (response.body as ReadableStream<Uint8Array>).getReader();
  const body = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const { done, value } = await source.read();
          if (!done) return controller.enqueue(value);
          ended();
          controller.close();
        } catch (error) {
          ended();
          controller.error(error);
        }
      },
      cancel: async (reason) => {
        try {
          await source.cancel(reason);
        } finally {
          ended();
        }
      },
    },
    { highWaterMark: 0 },
  );
  const { status, statusText, headers } = response;
  return new Response(body, { status, statusText, headers });
}
