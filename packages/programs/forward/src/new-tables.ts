// newaliases(1) and newinclude(1): tables from the files that sendmail's users keep.

import { aliasEntries, encodeCommands, includeCommands, LIST_MAX, readHosts } from '@q/aliases';
import { writeCdbTo } from '@q/cdb';
import { openControl, qmailHome } from '@q/control';
import { Temporary } from '@q/fault';
import { writeFully } from '@q/fsx';
import type { Invocation } from '@q/proc';
import { readText } from './input.ts';
import { replaceFile } from './replace.ts';

const ALIASES = '/etc/aliases';

/** Makes FILE.cdb of FILE, which is /etc/aliases unless another is named. Throws with exit code 111. */
export async function newaliasesMain({ args, env }: Invocation): Promise<number> {
  const path = args[0] ?? ALIASES;
  const hosts = readHosts(openControl(qmailHome(env)));
  const entries = aliasEntries(readText(path), hosts);
  await replaceFile(`${path}.cdb`, `${path}.tmp`, (fd) => writeCdbTo(fd, entries));
  return 0;
}

/** Makes LIST.bin of LIST. Throws with exit code 111. */
export async function newincludeMain({ args, env }: Invocation): Promise<number> {
  const path = args[0] as string;
  const hosts = readHosts(openControl(qmailHome(env)));
  const bytes = encodeCommands([...includeCommands(readText(path), hosts)]);
  // fastforward would not read it.
  if (bytes.length > LIST_MAX) throw new Temporary(`a list has at most ${LIST_MAX} bytes`);
  await replaceFile(`${path}.bin`, `${path}.tmp`, (fd) => writeFully(fd, bytes));
  return 0;
}
