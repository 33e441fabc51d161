// CAPABILITY, ENABLE (RFC 5161) and ID (RFC 2971) of a client that has logged in.

import { capabilities, FEATURES, wireString } from '@q/imap';
import { enableCondstore } from '../condstore.ts';
import type { Dispatcher } from '../dispatch.ts';
import { ok } from '../reply.ts';
import type { Enabled, Reply, Settings } from '../session.ts';

/** The list of a session; `compress`: COMPRESS can still be done. */
export function capabilityList(settings: Settings, compress: boolean): string {
  const off = new Set<string>();
  if (!settings.acl)
    for (const name of ['ACL', 'RIGHTS=kxte', 'ACL2=UNION', 'LIST-MYRIGHTS']) off.add(name);
  const features = FEATURES.filter((name) => !off.has(name));
  // Courier's own: clients that know it offer to send mail without SMTP.
  if (settings.outbox !== undefined) features.push(`XCOURIEROUTBOX=${settings.outbox.name}`);
  const context = {
    loggedIn: true,
    tls: false,
    startTls: false,
    tlsRequired: false,
    mechanisms: [],
    compress,
    appendLimit: settings.appendLimit,
  };
  return `CAPABILITY ${capabilities(context, features).join(' ')}`;
}

export async function capability({ session, compressible }: Dispatcher): Promise<Reply> {
  session.untagged(capabilityList(session.settings, compressible));
  return ok('That is all');
}

const ENABLES: Readonly<Record<string, readonly Enabled[]>> = {
  CONDSTORE: ['CONDSTORE'],
  // RFC 7162, section 3.2.3: QRESYNC implies CONDSTORE.
  QRESYNC: ['QRESYNC', 'CONDSTORE'],
  'UTF8=ACCEPT': ['UTF8=ACCEPT'],
  IMAP4REV2: ['IMAP4REV2'],
  UIDONLY: ['UIDONLY'],
};

export async function enable(
  { session }: Dispatcher,
  { capabilities: asked }: { readonly capabilities: readonly string[] },
): Promise<Reply> {
  const enabled: string[] = [];
  for (const name of asked) {
    const row = Object.hasOwn(ENABLES, name) ? ENABLES[name] : undefined;
    if (row === undefined || enabled.includes(name)) continue;
    enabled.push(name);
    for (const one of row)
      if (one === 'CONDSTORE') enableCondstore(session);
      else session.enabled.add(one);
  }
  session.untagged(['ENABLED', ...enabled].join(' '));
  return ok('Enabled');
}

/** What the client says of itself is checked by its grammar, and not kept. */
export async function id({ session }: Dispatcher): Promise<Reply> {
  session.untagged(
    `ID (${session.settings.idFields.map((text) => wireString(text, { utf8: false })).join(' ')})`,
  );
  return ok('That is us');
}
