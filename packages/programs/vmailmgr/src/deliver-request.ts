// What qmail-local tells vdeliver: the environment of qmail-command(8) and the options.

import { readFileSync } from 'node:fs';
import type { Invocation } from '@q/proc';
import { Bounce } from './bounce.ts';

/** One delivery. Texts are latin1. */
export interface DeliveryRequest {
  /** The address's local part without the domain's prefix: the virtual user's name, as it was written. */
  readonly ext: string;
  readonly host: string;
  readonly sender: string;
  /** Lines for the mailbox: UFLINE, RPLINE, DTLINE, those that are wanted. */
  readonly mailboxLines: string;
  /** The Delivered-To line. It goes before every forwarded message: qmail-local's guard against loops. */
  readonly deliveredTo: string;
  readonly hooks: { readonly before: boolean; readonly after: boolean };
}

/** Throws Bounce for a variable that is not set: whoever runs us is not qmail-local. */
export function readRequest({ env, options }: Invocation): DeliveryRequest {
  const value = (name: string): string => {
    const text = variable(env, name);
    if (text === undefined) throw new Bounce(`${name} is not set`);
    return text;
  };
  value('USER');
  const ext = value('EXT');
  const host = value('HOST');
  const sender = value('SENDER');
  const [from, returnPath, deliveredTo] = ['UFLINE', 'RPLINE', 'DTLINE'].map(value) as Lines;
  const lines = [
    options.F === true && options.f !== true ? from : '',
    options.r === true ? '' : returnPath,
    options.d === true ? '' : deliveredTo,
  ];
  const hooks = {
    before: options['no-predeliver'] !== true,
    after: options['no-postdeliver'] !== true,
  };
  return { ext, host, sender, mailboxLines: lines.join(''), deliveredTo, hooks };
}

type Lines = [string, string, string];

/**
 * The latin1 text of a variable's bytes. Node has decoded them as UTF-8 and put U+FFFD for what is none:
 * then the kernel's copy has the bytes still. C qmail-local passes addresses as they are.
 */
function variable(env: Readonly<NodeJS.ProcessEnv>, name: string): string | undefined {
  const value = env[name];
  if (value?.includes('\ufffd') !== true) return value && Buffer.from(value).toString('latin1');
  const given = readFileSync('/proc/self/environ', 'latin1').split('\0');
  return given.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
}
