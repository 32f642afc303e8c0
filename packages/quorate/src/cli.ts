#!/usr/bin/env node
/**
 * `npx quorate`: the command line.
 */
import { runCommandLine } from "./cli/run.ts";
import { processTerminal } from "./cli/terminal.ts";

process.exitCode = await runCommandLine(process.argv.slice(2), processTerminal());
