/** Writes `tests/golden/values.txt` anew: see `golden_values.ts` for when that may be done. */
import { writeFileSync } from "node:fs";
import { GOLDEN_FILE, goldenValues } from "./golden_values.ts";
import { hexOf } from "./wire.ts";

const lines = Object.entries(goldenValues()).map(([name, value]) => `${name}\t${hexOf(value)}\n`);
writeFileSync(GOLDEN_FILE, lines.join(""));
console.log(`${lines.length} values`);
