/**
 * Throw-away PostgreSQL: a cluster of its own, made by `initdb` when the server starts.
 *
 * PostgreSQL refuses to run as root, and containers are root. Then it runs as `nobody`, who owns
 * the directory; where `nobody` cannot reach the program (a checkout below /root), in a user
 * namespace that calls root by that name. It ends by SIGQUIT, its own word for "at once": its
 * processes end with it, and no shared memory stays behind.
 */
import { spawnSync } from "node:child_process";
import { chownSync } from "node:fs";
import { dirname, join } from "node:path";

import { postgresBinary } from "./find.mjs";
import { startProcess } from "./process.mjs";
import { postgresQuery } from "./wire.mjs";

/** @import { Binary, PostgresOptions, ServerProcess } from "./types.ts" */

const NOBODY = 65_534;

// Arguments: directory of the programs, of the data, then the server's arguments. In the guard's
// care from the first moment: an initdb that nobody waits for must die, too.
const INIT_AND_RUN = `
bin=$1; data=$2; shift 2
cd "$data/.." || exit
if [ ! -s "$data/PG_VERSION" ]; then
  "$bin/initdb" -D "$data" -U postgres -A trust --no-sync --locale=C --encoding=UTF8 || exit
fi
exec "$bin/postgres" -D "$data" "$@"
`;

/**
 * One PostgreSQL on a free loopback port: user and database `postgres`, no password. Keeps what
 * was committed over a `kill()`, though not over a crash of the machine: nothing is fsynced.
 *
 * @param {PostgresOptions} [options]
 * @returns {Promise<ServerProcess>}
 */
export function startPostgres(options = {}) {
  const binary = postgresBinary();
  const { wrapper, owner } = unprivileged(binary);
  const settings = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: options.maxConnections ?? 200,
    max_prepared_transactions: options.maxPreparedTransactions ?? 0,
    shared_buffers: "32MB",
    // In its own directory, which is removed, and not in /dev/shm, which is everybody's.
    dynamic_shared_memory_type: "mmap",
    fsync: "off",
    jit: "off",
    // The one zone that needs no file: a small system has no /usr/share/zoneinfo.
    timezone: "GMT",
    log_timezone: "GMT",
  };
  return startProcess({
    name: "postgres",
    binary,
    scheme: "postgres",
    port: options.port,
    account: { user: "postgres", database: "postgres" },
    ends: "QUIT",
    wrapper: (place) => {
      if (owner !== undefined) chownSync(place.dir, owner, owner);
      return [...(options.wrapper?.(place) ?? []), ...wrapper, "sh", "-c", INIT_AND_RUN, "sh"];
    },
    // `startProcess` puts the program first; the script asks for its directory there.
    program: dirname(binary.path),
    args: ({ port, dir }) => [
      ...[join(dir, "data"), "-p", String(port)],
      ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
      ...(options.args ?? []),
    ],
    ready: async (readyPort) => (await postgresQuery(readyPort, "SELECT 1")).length === 1,
  });
}

/** @type {{ wrapper: readonly string[], owner: number | undefined } | undefined} */
let remembered;

/**
 * The words before a command that take root's rights away; none for a user who has none.
 *
 * @param {Binary} binary
 * @returns {{ wrapper: readonly string[], owner: number | undefined }}
 */
function unprivileged(binary) {
  if (process.getuid?.() !== 0) return { wrapper: [], owner: undefined };
  remembered ??= [
    { wrapper: asNobody(), owner: NOBODY },
    { wrapper: ["unshare", "--user", `--map-user=${NOBODY}`], owner: undefined },
  ].find(({ wrapper: [program = "", ...words] }) => {
    const env = { ...process.env, LD_LIBRARY_PATH: binary.libraryDirs.join(":") };
    // Through a shell: the first program still starts with the rights of root.
    const probing = ["sh", "-c", 'exec "$1" --version', "sh", binary.path];
    return spawnSync(program, [...words, ...probing], { env }).status === 0;
  });
  if (remembered !== undefined) return remembered;
  throw new Error(`root may not run PostgreSQL, and setpriv and unshare do not run ${binary.path}`);
}

function asNobody() {
  return ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
}
