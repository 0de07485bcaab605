/** Writes `tests/golden/` anew: see `golden_values.ts` for when that may be done. */
import { writeFileSync } from "node:fs";
import { GOLDEN_ASIDE_FILE, GOLDEN_FILE, goldenAside, goldenValues } from "./golden_values.ts";
import { hexAside, hexOf } from "./wire.ts";

const lines = Object.entries(goldenValues()).map(([name, value]) => `${name}\t${hexOf(value)}\n`);
writeFileSync(GOLDEN_FILE, lines.join(""));
writeFileSync(GOLDEN_ASIDE_FILE, `${hexAside(...goldenAside())[0]}\n`);
console.log(`${lines.length} values`);
