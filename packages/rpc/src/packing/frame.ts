/**
 * Several messages in one: the frames in which requests and answers of one turn travel together.
 *
 * A message of the bus costs more than the call that it carries: a header to parse, a write, a turn
 * of the broker. What a client asks in one turn of the loop therefore goes in one message, and so
 * does what its server answers in one. A frame is told from a bare message by its first byte, which
 * no JSON begins with.
 *
 *     requests: 0xB1, number u32, sender's length u8, sender, { length u32, bytes } …
 *     answers:  0xB2, number u32, { place u16, length u32, bytes } …
 *
 * Guarantees: a frame that is read was written whole; what does not add up is none.
 */

const REQUESTS = 0xb1;
const ANSWERS = 0xb2;
/** Most messages of one frame. */
export const MAX_PACKED = 64;
/** Most bytes of a message that goes with others. */
export const MAX_PACKED_BYTES = 16_384;
const HEAD = 5;
const SENDER = /^[0-9a-z]{1,64}$/;

/** Requests of one client, sent together. */
export interface PackedRequests {
  /** The sender's own count of frames. */
  readonly number: number;
  /** Whom late answers are for. */
  readonly sender: string;
  readonly messages: readonly Uint8Array[];
}

/** An answer, and which request of its frame it is for. */
export interface PackedAnswer {
  readonly place: number;
  readonly bytes: Uint8Array;
}

/** Whether `bytes` may be a frame of requests. */
export function isPackedRequests(bytes: Uint8Array): boolean {
  return bytes[0] === REQUESTS;
}

/** Whether `bytes` may be a frame of answers. */
export function isPackedAnswers(bytes: Uint8Array): boolean {
  return bytes[0] === ANSWERS;
}

/** Requests as a frame. */
export function packRequests({ number, sender, messages }: PackedRequests): Uint8Array {
  const size = messages.reduce((sum, { byteLength }) => sum + 4 + byteLength, 0);
  const frame = Buffer.allocUnsafe(HEAD + 1 + sender.length + size);
  frame[0] = REQUESTS;
  frame.writeUInt32BE(number, 1);
  frame[HEAD] = sender.length;
  frame.write(sender, HEAD + 1, "latin1");
  let at = HEAD + 1 + sender.length;
  for (const message of messages) {
    at = frame.writeUInt32BE(message.byteLength, at);
    frame.set(message, at);
    at += message.byteLength;
  }
  return frame;
}

/** Answers as a frame. */
export function packAnswers(number: number, answers: readonly PackedAnswer[]): Uint8Array {
  const size = answers.reduce((sum, { bytes }) => sum + 6 + bytes.byteLength, 0);
  const frame = Buffer.allocUnsafe(HEAD + size);
  frame[0] = ANSWERS;
  frame.writeUInt32BE(number, 1);
  let at = HEAD;
  for (const { place, bytes } of answers) {
    at = frame.writeUInt16BE(place, at);
    at = frame.writeUInt32BE(bytes.byteLength, at);
    frame.set(bytes, at);
    at += bytes.byteLength;
  }
  return frame;
}

/** Reads a frame of requests; `undefined` for what is none. */
export function unpackRequests(bytes: Uint8Array): PackedRequests | undefined {
  const frame = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (frame[0] !== REQUESTS || frame.length <= HEAD) return undefined;
  const first = HEAD + 1 + (frame[HEAD] ?? 0);
  const sender = frame.toString("latin1", HEAD + 1, first);
  if (first > frame.length || !SENDER.test(sender)) return undefined;
  const messages: Uint8Array[] = [];
  let at = first;
  while (at < frame.length) {
    const message = slice(frame, at);
    if (message === undefined || messages.length === MAX_PACKED) return undefined;
    messages.push(message);
    at += 4 + message.byteLength;
  }
  return { number: frame.readUInt32BE(1), sender, messages };
}

/** Reads a frame of answers; `undefined` for what is none. */
export function unpackAnswers(
  bytes: Uint8Array,
): { readonly number: number; readonly answers: readonly PackedAnswer[] } | undefined {
  const frame = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (frame[0] !== ANSWERS || frame.length < HEAD) return undefined;
  const answers: PackedAnswer[] = [];
  let at = HEAD;
  while (at < frame.length) {
    if (at + 2 > frame.length || answers.length === MAX_PACKED) return undefined;
    const place = frame.readUInt16BE(at);
    const answer = slice(frame, at + 2);
    if (answer === undefined) return undefined;
    answers.push({ place, bytes: answer });
    at += 6 + answer.byteLength;
  }
  return { number: frame.readUInt32BE(1), answers };
}

/** The message whose length stands at `at`; `undefined`: it is not all there. */
function slice(frame: Buffer, at: number): Uint8Array | undefined {
  if (at + 4 > frame.length) return undefined;
  const end = at + 4 + frame.readUInt32BE(at);
  return end > frame.length ? undefined : frame.subarray(at + 4, end);
}
