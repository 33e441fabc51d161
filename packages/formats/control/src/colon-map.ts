// Lines of `key:value`, as in control/virtualdomains and control/smtproutes.
//
//   line = key ":" value         ; the first colon ends the key
//
// Example: "Example.ORG:alias-example" gives get('example.org') = 'alias-example'.

import { asciiLower } from '@q/bytes';

/** A map whose keys are compared without regard to the case of A-Z. */
export interface ColonMap {
  get(key: string): string | undefined;
  has(key: string): boolean;
}

/** Lines without a colon are ignored; of several lines with one key the last counts; a key may be empty. */
export function parseColonMap(lines: Iterable<string>): ColonMap {
  const values = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon >= 0) values.set(asciiLower(line.slice(0, colon)), line.slice(colon + 1));
  }
  return {
    get: (key) => values.get(asciiLower(key)),
    has: (key) => values.has(asciiLower(key)),
  };
}
