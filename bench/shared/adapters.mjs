// Systems to be measured, one file each in a directory. To plug in another, put its adapter there; nothing else
// names it. What all adapters export:
//
//   title      one line for the report
//   packages   Debian packages to unpack over /usr for it
//   missing()  why it cannot run here, or undefined
//   open(site) → the system; what it can do is told at the index of the directory
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** In the order of the report: ours first. */
export function adaptersIn(dir) {
  const names = readdirSync(dir)
    .filter((file) => file.endsWith('.mjs') && file !== 'index.mjs')
    .map((file) => file.slice(0, -'.mjs'.length))
    .sort((a, b) => Number(isOurs(b)) - Number(isOurs(a)) || a.localeCompare(b));
  return { names, load: (name) => import(join(dir, `${name}.mjs`)) };
}

export function isOurs(name) {
  return name.startsWith('qmail-ts');
}
