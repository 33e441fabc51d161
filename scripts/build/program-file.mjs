// The form in which a program is installed, so that Node need not compile it at each start:
//
//   bin/dist/imapd                    a few lines that start what is in
//   bin/dist/lib/imapd-HASH.cjs       the program's text, wrapped as Node wraps a CommonJS module
//   bin/dist/lib/imapd-HASH.cache     what V8 made of it (vm.Script's cached data); may be missing
//
// HASH is of the text: a cache never meets another text than its own. V8 itself refuses a cache made by another version of Node or
// with other flags, and compiles the text as if there were none.
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';

/** Parts the CommonJS file in two: its text goes to `lib`, under `name`, and it becomes the lines that start it. */
export function makeProgramFile(file, lib, name = basename(file)) {
  const text = readFileSync(file, 'latin1');
  const wrapped = `(function (exports, require, module, __filename, __dirname) {${text.replace(/^#!.*/, '')}\n})`;
  const hash = createHash('sha256').update(wrapped, 'latin1').digest('hex').slice(0, 16);
  const part = `${name}-${hash}`;
  mkdirSync(lib, { recursive: true });
  writeFileSync(join(lib, `${part}.cjs`), wrapped, 'latin1');
  writeFileSync(file, startingLines(`/${join(relative(dirname(file), lib), part)}`));
  chmodSync(file, 0o755);
}

function startingLines(path) {
  return `#!/usr/bin/env node
const { readFileSync } = require('node:fs');
const base = __dirname + '${path}';
let text, cachedData;
try {
  text = readFileSync(base + '.cjs', 'latin1');
} catch (error) {
  process.stderr.write(\`\${__filename}: fatal: cannot read my text (\${error.message}): programs are copied with the lib beside them\\n\`);
  process.exit(111);
}
try {
  cachedData = readFileSync(base + '.cache');
} catch {}
new (require('node:vm').Script)(text, { filename: base + '.cjs', cachedData })
  .runInThisContext()(exports, require, module, __filename, __dirname);
`;
}
