/**
 * Lets a thread read TypeScript.
 */
import { register } from "tsx/esm/api";

register();
