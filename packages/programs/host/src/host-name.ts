// The name of an address by DNS, as tcp-environ(5) wants it.

import { Resolver } from 'node:dns/promises';
import { DNS_TIMEOUT_MS, DNS_TRIES, NAME_MAX } from './limits.ts';

/** What stands for a name that could not be looked up now. */
const SOFT_ERROR = 'softdnserror';

/** Undefined when the address has no name. Never rejects. The name is not asked for its addresses. */
export async function hostNameOf(ip: string): Promise<string | undefined> {
  const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: DNS_TRIES });
  try {
    const [name = ''] = await resolver.reverse(ip);
    // A name is a stranger's text that will stand in environments and headers.
    return /^[!-~]+$/.test(name) && name.length <= NAME_MAX ? name : undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOTFOUND' || code === 'ENODATA' ? undefined : SOFT_ERROR;
  }
}
