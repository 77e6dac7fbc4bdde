/** The sealed-file format stands alone: it can be used, read and checked without the client and the pages. */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { repository } from "./support.js";

const FORMAT = join(repository, "gateway", "web", "static", "sealing");
const files = readdirSync(FORMAT).filter((name) => name.endsWith(".js"));

test("no module of the sealed-file format imports the client or a page", () => {
  assert.ok(files.includes("cobblestone.js") && files.includes("manifest.js"));
  for (const name of files) {
    const imported = [...readFileSync(join(FORMAT, name), "utf8").matchAll(/from "([^"]+)"/g)].map(([, path]) => path);
    assert.deepEqual(imported.filter((path) => !path.startsWith("./")), [], name);
  }
});
