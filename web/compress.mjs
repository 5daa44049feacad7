// Puts NAME.br and NAME.gz beside every file of the built page that gets smaller by it, so that the server
// compresses nothing while people wait. Fonts and pictures are compressed already.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { argv } from "node:process";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const TEXT = new Set([".css", ".html", ".js", ".svg", ".txt", ".webmanifest"]);

const brotli = (content) =>
  brotliCompressSync(content, {
    params: {
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    },
  });

const FORMS = new Map([
  [".br", brotli],
  [".gz", (content) => gzipSync(content, { level: constants.Z_BEST_COMPRESSION })],
]);

const page = argv[2];
for (const entry of readdirSync(page, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !TEXT.has(extname(entry.name))) continue;
  const file = join(entry.parentPath, entry.name);
  const content = readFileSync(file);
  for (const [end, compress] of FORMS) {
    const smaller = compress(content);
    if (smaller.length < content.length) writeFileSync(file + end, smaller);
  }
}
