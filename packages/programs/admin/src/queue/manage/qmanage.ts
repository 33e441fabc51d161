// qmail-qmanage(8): what admins do with single messages of a queue. Each command is safe beside a running
// qmail-send, ours or the C one, or refuses and says what is.
//
//   command  beside qmail-send                         without it (we hold its mutex meanwhile)
//   list     reads                                     reads
//   show     reads                                     reads
//   delete   marks recipients done, drops bounce/N:    the same, then removes the files
//            the next pass finds nothing to do
//   bounce   sets the birth beyond queuelifetime:      the same, and due at once
//            the next pass is the last attempt
//   retry    SIGALRM: everything at once, or nothing:  sets due times, which the next qmail-send reads
//            the schedule is in qmail-send's memory

import { parseArgs } from 'node:util';
import { asciiLower } from '@q/bytes';
import { Permanent } from '@q/fault';
import { type Invocation, mailText } from '@q/proc';
import { isMessageId } from '@q/queue-files';
import { openOutput } from '../../output.ts';
import { parseAge } from '../dates.ts';
import { alter } from './alter.ts';
import { list } from './list.ts';
import type { Selection } from './selection.ts';
import { show } from './show.ts';

export interface Request {
  readonly invocation: Invocation;
  readonly selection: Selection;
  readonly json: boolean;
  readonly dryRun: boolean;
  /** Afterwards qmail-send is told to try everything. */
  readonly now: boolean;
  /** show: the message itself, byte for byte. */
  readonly message: boolean;
}

const ALTERATIONS = ['bounce', 'delete', 'retry'] as const;
export type Alteration = (typeof ALTERATIONS)[number];

const OPTIONS = {
  sender: { type: 'string' },
  recipient: { type: 'string' },
  older: { type: 'string' },
  all: { type: 'boolean' },
  json: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  now: { type: 'boolean' },
  message: { type: 'boolean' },
} as const;

/** 0; 111 when something could not be done. Throws Permanent for a wrong call. */
export async function qmanageMain(invocation: Invocation): Promise<number> {
  const [command, ...words] = invocation.args;
  const { request, chosen } = parse(command ?? '', words, invocation);
  const out = openOutput();
  try {
    switch (command) {
      case 'list':
        return list(request, out);
      case 'show':
        if (request.selection.ids.length === 0) throw new Permanent('show: say which message');
        return show(request, out);
      case 'bounce':
      case 'delete':
      case 'retry':
        if (!chosen) throw new Permanent(`${command}: say which messages, or --all`);
        return await alter(command, request, out);
      default:
        throw new Permanent(`no command "${command}": it is list, show, bounce, delete or retry`);
    }
  } finally {
    out.flush();
  }
}

/** `chosen`: the call names messages in some way. */
function parse(command: string, words: readonly string[], invocation: Invocation) {
  const { values, positionals } = parseWords(command, words);
  const ids = positionals.map((word) => word.replace(/^#/, ''));
  for (const id of ids)
    if (!isMessageId(id)) throw new Permanent(`${command}: "${id}" is no message number`);
  const older = values.older === undefined ? undefined : parseAge(values.older);
  if (values.older !== undefined && older === undefined)
    throw new Permanent(`${command}: --older takes a number and s, m, h or d, like 12h`);
  const selection: Selection = {
    ids,
    sender: pattern(values.sender),
    recipient: pattern(values.recipient),
    older,
  };
  const narrowed =
    ids.length > 0 || [selection.sender, selection.recipient, older].some((it) => it !== undefined);
  if (narrowed && values.all === true)
    throw new Permanent(`${command}: --all does not go with numbers or patterns`);
  const request: Request = {
    invocation,
    selection,
    json: values.json === true,
    dryRun: values['dry-run'] === true,
    now: values.now === true,
    message: values.message === true,
  };
  return { request, chosen: narrowed || values.all === true };
}

function parseWords(command: string, words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    const detail = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new Permanent(`${command}: ${detail}`);
  }
}

function pattern(text: string | undefined): string | undefined {
  return text === undefined ? undefined : asciiLower(mailText(text));
}
