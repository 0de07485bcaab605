/** All rows, in the order of the tables. */
import { ROWS as CPU } from "./cpu.ts";
import { ROWS as FLOODS } from "./floods.ts";
import type { Row } from "./harness.ts";
import { ROWS as HASHES } from "./hash_words.ts";
import { ROWS as TRIPS } from "./trips.ts";

/** All rows. */
export const ROWS: readonly Row[] = [...FLOODS, ...TRIPS, ...CPU, ...HASHES];
