/** Three rivals ship no types; these are the parts of them that are used. */
declare module "hashring" {
  export default class HashRing {
    constructor(
      servers: readonly string[] | Readonly<Record<string, number>>,
      algorithm?: string,
      options?: { readonly "max cache size"?: number },
    );
    get(key: string): string | undefined;
    range(key: string, size: number): string[];
    add(servers: string | Readonly<Record<string, number>>): this;
    remove(server: string): this;
  }
}

declare module "consistent-hash" {
  export default class ConsistentHash {
    constructor(options?: { readonly range?: number; readonly controlPoints?: number });
    add(node: string, points?: number): this;
    remove(node: string): this;
    get(key: string): string | null;
    get(key: string, count: number): string[] | null;
  }
}

declare module "node-hashring" {
  export default class HashRing {
    constructor(nodes: readonly string[], virtualNodes?: number);
    findNode(key: string): string | undefined;
    addNode(node: string): void;
    removeNode(node: string): void;
  }
}
