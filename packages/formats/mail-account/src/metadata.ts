// Annotations (RFC 5464): a file `imapmetadata` in each folder that has some, which goes where the folder goes, and
// `imapmetadata.server` in the Maildir for those of the server. Courier passes over both. They are JSON, values
// as latin1 text; a private entry belongs to the user whose identifier stands before it.
//
//     {"/shared/comment":"Plans of 2026","user=bob /private/comment":"read on Mondays"}

import { join } from 'node:path';
import { asciiLower } from '@q/bytes';
import { faultOf } from '@q/fault';
import { writeFileAtomic } from '@q/fsx';
import { METADATA_ENTRIES, METADATA_MAX, METADATA_VALUE_MAX } from './limits.ts';
import { NameFault } from './name-fault.ts';
import { readText } from './small-file.ts';

const FOLDERS_FILE = 'imapmetadata';
const SERVERS_FILE = 'imapmetadata.server';

/** The file of a folder's directory, or with `server` of the server, in the Maildir. */
export function metadataFile(dir: string, server = false): string {
  return join(dir, server ? SERVERS_FILE : FOLDERS_FILE);
}

/** What `user` (an identifier) sees, by name in lower case. Throws a fault when it cannot be read. */
export function readMetadata(file: string, user: string): Map<string, string> {
  const seen = new Map<string, string>();
  for (const [key, value] of readAll(file)) {
    const name = key.startsWith('/') ? key : ownName(key, user);
    if (name !== undefined) seen.set(name, value);
  }
  return seen;
}

/**
 * Sets entries, or removes those that are undefined; all or none. Under the lock. Throws NameFault LIMIT for too many or too
 * large ones, or a fault.
 */
export async function changeMetadata(
  file: string,
  user: string,
  values: ReadonlyMap<string, string | undefined>,
): Promise<void> {
  const all = readAll(file);
  for (const [name, value] of values) {
    const key = asciiLower(name);
    const stored = isPrivate(key) ? `${user} ${key}` : key;
    if (value === undefined) all.delete(stored);
    else if (value.length > METADATA_VALUE_MAX) throw new NameFault('LIMIT', 'Value too long');
    else all.set(stored, value);
  }
  const text = JSON.stringify(Object.fromEntries(all));
  const data = Buffer.from(text);
  if (all.size > METADATA_ENTRIES || data.length > METADATA_MAX)
    throw new NameFault('LIMIT', 'Too many annotations');
  try {
    await writeFileAtomic(file, data, { mode: 0o600 });
  } catch (error) {
    throw faultOf(error, 'unable to write annotations');
  }
}

function isPrivate(name: string): boolean {
  return name.startsWith('/private/');
}

function ownName(key: string, user: string): string | undefined {
  return key.startsWith(`${user} /`) ? key.slice(user.length + 1) : undefined;
}

/** A file that makes no sense has no annotations: they are no mail. */
function readAll(file: string): Map<string, string> {
  const text = readText(file, METADATA_MAX);
  if (text === undefined) return new Map();
  try {
    const parsed: unknown = JSON.parse(text);
    const entries = typeof parsed === 'object' && parsed !== null ? Object.entries(parsed) : [];
    return new Map(entries.filter(([, value]) => typeof value === 'string'));
  } catch {
    return new Map();
  }
}
