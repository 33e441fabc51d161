// qmail-qmanage delete, bounce and retry: see qmanage.ts for what each does and when it may.

import { openControl } from '@q/control';
import { Temporary } from '@q/fault';
import { jsonText, type Output, shown } from '../../output.ts';
import { becomeReader, findQueue, type QueueAccess } from '../access.ts';
import { readHead, trouble } from '../message.ts';
import { startProgress } from '../progress.ts';
import { claimQueue, hurry, type QueueHolder } from '../send-process.ts';
import { CleanHelper } from './clean-helper.ts';
import { HeldMessage } from './held-message.ts';
import { complain } from './list.ts';
import type { Alteration, Request } from './qmanage.ts';
import { addresseesOf, type Candidate, idsOf, isSelected, lookUp, matches } from './selection.ts';

/** What became of a message. `skipped` says why nothing was done; undefined: it has ended meanwhile. */
type Outcome = { readonly did: string } | { readonly skipped: string } | undefined;

interface Work {
  readonly access: QueueAccess;
  readonly request: Request;
  /** We hold the mutex: no qmail-send runs, none can start. */
  readonly alone: boolean;
  readonly clean: CleanHelper | undefined;
  /** Seconds since 1970. */
  readonly now: number;
}

const DEED: Readonly<
  Record<Alteration, (work: Work, found: Candidate) => Outcome | Promise<Outcome>>
> = {
  delete: deleteMessage,
  bounce: bounceMessage,
  retry: retryMessage,
};

/** 0, or 111 when something was left undone. */
export async function alter(what: Alteration, request: Request, out: Output): Promise<number> {
  const access = findQueue(request.invocation.env);
  const holder = claimQueue(access.paths);
  const alone = holder.kind === 'us';
  if (what === 'retry' && !alone) return retryBeside(holder, request, out);
  const clean =
    what === 'delete' && alone && !request.dryRun ? await helper(access, request) : undefined;
  becomeReader(access);
  const now = Math.floor(Date.now() / 1000);
  try {
    const code = await alterEach(what, { access, request, alone, clean, now }, out);
    if (request.now && holder.kind === 'qmail-send' && !request.dryRun) hurry(holder.pid);
    return code;
  } finally {
    await clean?.close();
    if (holder.kind === 'us') holder.release();
  }
}

async function alterEach(what: Alteration, work: Work, out: Output): Promise<number> {
  const { paths } = work.access;
  const { selection, dryRun } = work.request;
  const progress = startProgress('messages looked at');
  let code = 0;
  let count = 0;
  for (const id of idsOf(paths, selection)) {
    progress.step();
    try {
      const found = lookUp(paths, id);
      if (found === undefined) {
        if (selection.ids.length > 0) code = complain(out, `no message ${id} in the queue`);
        continue;
      }
      if (!isSelected(selection, found, addresseesOf(paths, found), work.now)) continue;
      const outcome = dryRun ? { did: `would ${what}` } : await DEED[what](work, found);
      if (outcome === undefined) continue;
      if ('skipped' in outcome) code = complain(out, `#${id} ${outcome.skipped}`);
      else {
        count++;
        report(out, work.request, found, outcome.did);
      }
    } catch (error) {
      code = complain(out, `trouble with #${id}: ${trouble(error)}`);
    }
  }
  progress.end();
  if (!work.request.json) out.write(summaryOf(what, count, work));
  return code;
}

/** Marks are what counts; the files go at once when no qmail-send will do it. */
async function deleteMessage(work: Work, found: Candidate): Promise<Outcome> {
  const { access, request, alone, clean } = work;
  const { recipient } = request.selection;
  if (found.unprocessed) return deleteUnprocessed(work, found);
  const message = HeldMessage.open(access.paths, found.id);
  if (message === undefined) return undefined;
  try {
    if (!stillSelected(work, message)) return undefined;
    const marked = message.markDone(
      (address) => recipient === undefined || matches(recipient, address),
    );
    const left = [...waitingOf(message)].length;
    const did = `${marked} recipient${marked === 1 ? '' : 's'} dropped`;
    if (recipient !== undefined && left > 0) return { did: `${did}, ${left} left` };
    if (recipient === undefined) message.dropBounce();
    if (!alone) return { did };
    // What has failed for other recipients is still to be bounced: qmail-send does that.
    if (readHead(access.paths, found.id)?.bouncing === true) return { did };
    message.removeFiles();
    if (clean !== undefined && !(await clean.request('foop', found.id)))
      return { skipped: 'is deleted, but its message file could not be removed' };
    return { did: `${did}, removed` };
  } finally {
    message.close();
  }
}

/** S4, without qmail-send: what it had begun goes first, or it would look like a preprocessed message. */
async function deleteUnprocessed({ access, request, alone, clean }: Work, found: Candidate) {
  const { paths } = access;
  if (!alone || clean === undefined)
    return { skipped: 'is still in todo, where qmail-send may be delivering it: try again later' };
  const { recipient } = request.selection;
  if (recipient !== undefined) {
    for (const { address } of addresseesOf(paths, found))
      if (!matches(recipient, address))
        return { skipped: 'has other recipients and is not split up yet: try again later' };
  }
  HeldMessage.removeLeftovers(paths, found.id);
  const done = (await clean.request('todo', found.id)) && (await clean.request('foop', found.id));
  return done ? { did: 'removed' } : { skipped: 'could not be removed' };
}

/** The next pass is the last one: what cannot be delivered then is bounced. */
function bounceMessage(work: Work, found: Candidate): Outcome {
  const { access, request, alone, now } = work;
  const { recipient } = request.selection;
  if (found.unprocessed)
    return { skipped: 'is still in todo, where qmail-send may be delivering it: try again later' };
  const message = HeldMessage.open(access.paths, found.id);
  if (message === undefined) return undefined;
  try {
    if (!stillSelected(work, message)) return undefined;
    if (recipient !== undefined) {
      for (const address of waitingOf(message))
        if (!matches(recipient, address))
          return { skipped: 'has other recipients too: give its number to bounce it as a whole' };
    }
    message.setBirth(Math.min(message.birth, now - lifetime(access) - LIFETIME_MARGIN));
    if (alone) message.setDue(now);
    return { did: 'tried once more, then bounced' };
  } finally {
    message.close();
  }
}

function retryMessage(work: Work, found: Candidate): Outcome {
  if (found.unprocessed) return { did: 'new, tried at once anyway' };
  const message = HeldMessage.open(work.access.paths, found.id);
  if (message === undefined) return undefined;
  try {
    message.setDue(work.now);
    return { did: 'tried as soon as qmail-send starts' };
  } finally {
    message.close();
  }
}

function retryBeside(holder: QueueHolder, request: Request, out: Output): number {
  const { ids, sender, recipient, older } = request.selection;
  if (ids.length > 0 || [sender, recipient, older].some((it) => it !== undefined)) {
    throw new Temporary(
      'qmail-send is running and has its schedule in memory: it can be told to try everything ' +
        '(qmail-qmanage retry --all); for single messages stop it, run this again, and start it',
    );
  }
  const pid = holder.kind === 'qmail-send' ? holder.pid : undefined;
  if (!request.dryRun) hurry(pid);
  if (!request.json) out.write('qmail-send tries all messages now\n');
  return 0;
}

/** A message with this number that is not the one looked at before may have other people's mail in it. */
function stillSelected({ request, now }: Work, message: HeldMessage): boolean {
  const { id, sender, birth } = message;
  const head = { id, sender, birth, size: undefined, bouncing: false };
  return isSelected(request.selection, head, message.recipients(), now);
}

function* waitingOf(message: HeldMessage): Generator<string> {
  for (const { address, done } of message.recipients()) if (!done) yield address;
}

/** qmail's own default: a running qmail-send may have started with another setting than the file has now. */
const LIFETIME_DEFAULT = 604_800;
/** A day, for clocks and for a lifetime that was somewhat longer when qmail-send started. */
const LIFETIME_MARGIN = 86_400;

function lifetime({ home }: QueueAccess): number {
  return Math.max(openControl(home).int('queuelifetime', LIFETIME_DEFAULT), LIFETIME_DEFAULT);
}

/** Only root and a private instance's owner can start it as who it must be. */
function helper({ ids }: QueueAccess, { invocation }: Request): Promise<CleanHelper> | undefined {
  if (!ids.single && process.geteuid?.() !== 0) return undefined;
  return CleanHelper.start(invocation.program, invocation.env, ids);
}

function report(out: Output, { json }: Request, found: Candidate, did: string): void {
  if (json) out.json({ id: found.id, sender: jsonText(found.sender), did });
  else out.write(`#${found.id} <${shown(found.sender)}> ${did}\n`);
}

function summaryOf(what: Alteration, count: number, { alone, request }: Work): string {
  const messages = `${count} message${count === 1 ? '' : 's'}`;
  if (request.dryRun || count === 0) return `${messages}\n`;
  const beside =
    alone || request.now
      ? ''
      : ': takes effect when qmail-send turns to each next (at once: qmail-qmanage retry --all)';
  return `${what}: ${messages}${beside}\n`;
}
