/** What services use today, with the same checks, and what one writes by hand. */
import * as grpc from "@grpc/grpc-js";
import { ServiceBroker } from "moleculer";
import { connect } from "nats";

import type { RpcContender } from "./contender.ts";
import {
  answerText,
  Input,
  Output,
  quote,
  type Quote,
  questionText,
  type Quoted,
  readAnswer,
} from "./orders.ts";

const SUBJECT = "bench.rival.quote";
const bytesOf = (text: string): Buffer => Buffer.from(text);
const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();

async function serveNats({ nats }: { readonly nats: string }): Promise<string> {
  const connection = await connect({ servers: nats });
  connection.subscribe(SUBJECT, {
    queue: "servers",
    callback: (_, message) => void message.respond(bytesOf(answerText(textOf(message.data)))),
  });
  await connection.flush();
  return "";
}

/** An inbox, a map and nothing else: no deadline, no cancel, no errors. The floor. */
export const byHand: RpcContender = {
  title: "an own inbox on NATS, by hand: no deadlines, no errors",
  crowd: 40_000,
  serve: serveNats,
  connect: async ({ nats }) => {
    const connection = await connect({ servers: nats });
    const inbox = `_INBOX.bench${process.pid}.`;
    const waiting = new Map<string, (text: string) => void>();
    connection.subscribe(`${inbox}*`, {
      callback: (_, message) => {
        const id = message.subject.slice(inbox.length);
        waiting.get(id)?.(textOf(message.data));
        waiting.delete(id);
      },
    });
    let count = 0;
    return async (question) => {
      const id = String((count += 1));
      const answer = new Promise<string>((resolve) => waiting.set(id, resolve));
      connection.publish(SUBJECT, bytesOf(questionText(question)), { reply: inbox + id });
      return readAnswer(await answer);
    };
  },
};

/** The client's own request. */
export const natsRequest: RpcContender = {
  title: "nats 2 `request`",
  crowd: 20_000,
  serve: serveNats,
  connect: async ({ nats }) => {
    const connection = await connect({ servers: nats });
    return async (question) => {
      const { data } = await connection.request(SUBJECT, bytesOf(questionText(question)), {
        timeout: 5_000,
      });
      return readAnswer(textOf(data));
    };
  },
};

/** Moleculer 0.14 over the same server. */
export const moleculer: RpcContender = {
  title: "Moleculer 0.14 on NATS",
  crowd: 30_000,
  serve: async ({ nats }) => {
    const broker = brokerOf("server", nats);
    broker.createService({
      name: "orders",
      actions: {
        quote: ({ params }: { params: Quote }) => Output.parse(quote(Input.parse(params))),
      },
    });
    await broker.start();
    return "";
  },
  connect: async ({ nats }) => {
    const broker = brokerOf("client", nats);
    await broker.start();
    await broker.waitForServices("orders");
    return async (question) =>
      Output.parse(await broker.call<Quoted, Quote>("orders.quote", Input.parse(question)));
  },
};

function brokerOf(nodeID: string, transporter: string): ServiceBroker {
  return new ServiceBroker({
    nodeID: `${nodeID}-${process.pid}`,
    namespace: "bench",
    transporter,
    logger: false,
    requestTimeout: 5_000,
  });
}

const text = {
  requestSerialize: (value: string) => Buffer.from(value),
  requestDeserialize: (bytes: Buffer) => bytes.toString(),
  responseSerialize: (value: string) => Buffer.from(value),
  responseDeserialize: (bytes: Buffer) => bytes.toString(),
};
const service = {
  quote: { path: "/orders/quote", requestStream: false, responseStream: false, ...text },
};

/** gRPC-js over loopback TCP, JSON instead of protobuf so that all do the same work. */
export const grpcJs: RpcContender = {
  title: "gRPC-js",
  crowd: 4_000,
  serve: async () => {
    const server = new grpc.Server();
    server.addService(service, {
      quote: (call: grpc.ServerUnaryCall<string, string>, done: grpc.sendUnaryData<string>) =>
        done(null, answerText(call.request)),
    });
    const port = await new Promise<number>((resolve, reject) => {
      const credentials = grpc.ServerCredentials.createInsecure();
      server.bindAsync("127.0.0.1:0", credentials, (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    return `127.0.0.1:${port}`;
  },
  connect: async (_, address) => {
    const Quotes = grpc.makeGenericClientConstructor(service, "orders");
    const made = new Quotes(address, grpc.credentials.createInsecure()) as unknown as {
      quote(
        text: string,
        options: grpc.CallOptions,
        done: (error: Error | null, text?: string) => void,
      ): void;
    };
    return (question) =>
      new Promise((resolve, reject) => {
        const deadline = Date.now() + 5_000;
        made.quote(questionText(question), { deadline }, (error, answer = "") =>
          error === null ? resolve(readAnswer(answer)) : reject(error),
        );
      });
  },
};
