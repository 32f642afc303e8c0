/**
 * SWIM over UDP, by Node's dgram: a socket per member, a packet per datagram.
 *
 * What UDP loses is what SWIM was made for. Packets of at most 1,400 bytes pass an Ethernet whole.
 * Addresses are `host:port`, IPv6 as `[host]:port`; a host may be a name, which is looked up at
 * each packet.
 *
 * Does not guarantee: that the sender of a datagram is who it says. Beyond a network that you trust
 * give `createSwim` a secret.
 */
import { createSocket, type Socket } from "node:dgram";
import { isIP, isIPv6 } from "node:net";
import {
  boundedString,
  inRange,
  invalidArgument,
  knownOptions,
  type Runtime,
  systemRuntime,
} from "@quorate/core";
import { MAX_ADDRESS_BYTES } from "./news.ts";
import type { SwimTransport } from "./transport.ts";

/** Options of `udpTransport`. */
export interface UdpTransportOptions {
  /** An IP address of this machine to listen on. @default "127.0.0.1" */
  readonly host?: string;
  /** 0: any that is free. @default 0 */
  readonly port?: number;
  /**
   * What others reach this process by, as `host` or `host:port`, where that is not what it listens
   * on: behind `0.0.0.0`, in a container, behind NAT. @default what it listens on
   */
  readonly advertise?: string;
  /** Time, chance and events. @default systemRuntime */
  readonly runtime?: Runtime;
}

/** Room for a burst of tables; the system may grant less. */
const RECEIVE_BUFFER_BYTES = 1_048_576;

/**
 * A transport over UDP.
 *
 * @throws INVALID_ARGUMENT
 *
 * @example
 * import { createSwim, udpTransport } from "@quorate/membership";
 * const transport = udpTransport({ host: "127.0.0.1" });
 * const swim = createSwim({ id: "a", transport, seeds: ["127.0.0.1:7946"] });
 * await swim.start();
 * console.log(swim.self?.address.startsWith("127.0.0.1:")); // => true
 * await swim.close();
 */
export function udpTransport(options: UdpTransportOptions = {}): SwimTransport {
  knownOptions("options", options, ["host", "port", "advertise", "runtime"]);
  const { host = "127.0.0.1", advertise } = options;
  if (isIP(host) === 0) throw invalidArgument("host", host, "an IP address of this machine");
  const port = inRange("port", options.port ?? 0, 0, 65_535);
  if (!Number.isInteger(port)) throw invalidArgument("port", port, "an integer");
  if (advertise !== undefined) boundedString("advertise", advertise, MAX_ADDRESS_BYTES);
  if (advertise === undefined && (host === "0.0.0.0" || host === "::")) {
    throw invalidArgument(
      "advertise",
      advertise,
      `an address that others can reach, as ${host} is none`,
    );
  }
  return new UdpTransport({ host, port, advertise, runtime: options.runtime ?? systemRuntime });
}

class UdpTransport implements SwimTransport {
  readonly runtime: Runtime;
  readonly meetingPoints: readonly string[] = [];
  readonly #host: string;
  readonly #port: number;
  readonly #advertise: string | undefined;
  #socket: Socket | undefined;

  constructor(options: {
    host: string;
    port: number;
    advertise: string | undefined;
    runtime: Runtime;
  }) {
    this.runtime = options.runtime;
    this.#host = options.host;
    this.#port = options.port;
    this.#advertise = options.advertise;
  }

  open(receive: (packet: Uint8Array) => void): Promise<string> {
    const socket = createSocket({ type: isIPv6(this.#host) ? "udp6" : "udp4" });
    this.#socket = socket;
    socket.on("message", receive);
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        this.#socket = undefined;
        socket.close();
        reject(error);
      };
      socket.once("error", fail);
      socket.bind({ address: this.#host, port: this.#port }, () => {
        socket.off("error", fail);
        // A stranger's datagram can make the system complain of what we sent; nothing is lost.
        socket.on("error", () => {});
        trySetBuffer(socket);
        resolve(this.#address(socket.address().port));
      });
    });
  }

  send(address: string, packet: Uint8Array): Promise<void> {
    const { host, port } = split(address);
    const socket = this.#socket;
    if (socket === undefined || port === undefined) {
      return Promise.reject(invalidArgument("address", address, "host:port, while open"));
    }
    return new Promise((resolve, reject) => {
      socket.send(packet, port, host, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return Promise.resolve();
    return new Promise((resolve) => socket.close(() => resolve()));
  }

  #address(port: number): string {
    const host = this.#advertise ?? this.#host;
    if (isIPv6(host)) return `[${host}]:${port}`;
    return split(host).port === undefined ? `${host}:${port}` : host;
  }
}

function trySetBuffer(socket: Socket): void {
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  } catch {
    // What the system grants has to do: losses are expected.
  }
}

function split(address: string): { host: string; port: number | undefined } {
  const at = address.lastIndexOf(":");
  const host = address.slice(0, Math.max(0, at)).replace(/^\[(.*)\]$/, "$1");
  const port = Number(address.slice(at + 1));
  const isPort = at > 0 && Number.isInteger(port) && port > 0 && port <= 65_535;
  return { host, port: isPort ? port : undefined };
}
