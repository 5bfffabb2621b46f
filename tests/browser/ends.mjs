// What a test has begun ends with it, in order.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ends = new WeakMap();

/** Does this when the test ends: what was begun last ends first, as a browser before the folder that it writes to, and one that fails keeps none of the
 * others. Node's own `t.after` runs them in the order in which they were named, and none after the first that fails. */
export function atEnd(t, end) {
  if (!ends.has(t)) {
    ends.set(t, []);
    t.after(async () => {
      const faults = [];
      for (const one of ends.get(t).reverse()) {
        try {
          await one();
        } catch (fault) {
          faults.push(fault);
        }
      }
      if (faults.length) throw new AggregateError(faults, faults.map(String).join("; "));
    });
  }
  ends.get(t).push(end);
}

/** A new folder, for as long as the test runs. */
export function temporaryFolder(t, name) {
  const folder = mkdtempSync(join(tmpdir(), `doorward-${name}-`));
  // What a killed browser has begun may still write for a moment.
  atEnd(t, () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  return folder;
}
