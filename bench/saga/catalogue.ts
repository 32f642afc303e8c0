/** All contenders, in the order of the table. */
import type { Contender } from "./contender.ts";
import { dbos } from "./dbos.ts";
import { nodeSagas } from "./node-sagas.ts";
import { plain } from "./plain.ts";
import { onMemory, onNats, onRedis } from "./quorate.ts";

export const CONTENDERS: readonly Contender[] = [plain, nodeSagas, onMemory, onRedis, onNats, dbos];
