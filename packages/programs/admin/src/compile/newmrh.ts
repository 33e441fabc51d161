// qmail-newmrh(8): control/morercpthosts, one domain a line, becomes control/morercpthosts.cdb, which qmail-smtpd
// reads. The domains are the keys, in lower case; there is no data. The file may be of any size: it is streamed.

import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { asciiLower, LineSplitter, textOf } from '@q/bytes';
import { type CdbEntry, writeCdb } from '@q/cdb';
import { parseList, qmailHome } from '@q/control';
import { faultOf, Temporary } from '@q/fault';
import type { Invocation } from '@q/proc';
import { soft } from '../trouble.ts';

/** Bytes of a line. A domain has at most 255; more is not a list of domains. */
const LINE_MAX = 4096;

/** Returns 0. Throws with exit code 111, whatever the trouble: the old cdb then stays as it was. */
export async function newmrhMain({ env }: Invocation): Promise<number> {
  const path = join(qmailHome(env), 'control', 'morercpthosts');
  try {
    await writeCdb(`${path}.cdb`, domainsOf(path), { mode: 0o644 });
  } catch (error) {
    throw soft(error, `unable to read ${path}`);
  }
  return 0;
}

async function* domainsOf(path: string): AsyncGenerator<CdbEntry> {
  const splitter = new LineSplitter(LINE_MAX);
  let number = 0;
  let found: CdbEntry[] = [];
  const take = (line: Buffer, overlong: boolean) => {
    number++;
    if (overlong) throw new Temporary(`line ${number} of ${path} is too long`);
    for (const domain of parseList(textOf(line))) found.push([asciiLower(domain), '']);
  };
  try {
    for await (const chunk of createReadStream(path)) {
      splitter.push(chunk, take);
      yield* found;
      found = [];
    }
  } catch (error) {
    throw faultOf(error, `unable to read ${path}`);
  }
  splitter.end(take);
  yield* found;
}
