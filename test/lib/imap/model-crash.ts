// A server killed in the middle of a command: what was told before it is there, what was under way is done or not done as
// the protocol has it, and nothing else has changed.

import { pick } from '../fault-shim/fault-plan.ts';
import { applyFlags, FLAGS, type MailboxModel, type Truth } from './model.ts';
import { type ModelSession, messageOf } from './model-session.ts';
import { type Answer, itemsOf, type WireClient } from './wire.ts';

/** A command, and what it may have changed when its answer is lost. */
export interface InFlight {
  readonly name: string;
  begin(client: WireClient): Promise<Answer>;
  /** Messages with the flags they have afterwards; each flag may be as before. */
  readonly flags: ReadonlyMap<Truth, ReadonlySet<string>>;
  /** Messages that may be gone. */
  readonly gone: ReadonlySet<Truth>;
  /** Messages that may have come. */
  readonly come: readonly Come[];
  /** What has come is what is gone, and the other way round. */
  readonly moves: boolean;
}

interface Come {
  readonly mailbox: MailboxModel;
  readonly id: string;
  readonly flags: ReadonlySet<string>;
}

/** What a client finds: id and flags by UID. */
type Found = Map<number, { readonly id: string; readonly flags: ReadonlySet<string> }>;

const NOTHING = { flags: new Map(), gone: new Set<Truth>(), come: [], moves: false };

/** A command of the session's that writes, undefined if it can do none. `id` is that of a new message. */
export function drawInFlight(session: ModelSession, id: string): InFlight | undefined {
  const kind = pick(['store', 'append', 'copy', 'move', 'expunge'] as const, session.random);
  if (kind === 'append') return append(session, id);
  if (session.readOnly) return undefined;
  if (kind === 'expunge') return expunge(session);
  const some = session.some(true);
  const truths = (some?.messages ?? []).flatMap(
    ({ message }) => session.mailbox?.byUid(message.uid as number) ?? [],
  );
  if (some === undefined || truths.length === 0) return undefined;
  if (kind === 'store') return store(session, some.set, truths);
  return copy(session, kind === 'move', some.set, truths);
}

function append(session: ModelSession, id: string): InFlight {
  const mailbox = pick(session.mailboxes, session.random);
  const flags = FLAGS.filter(() => session.random() < 0.2);
  const command = `APPEND ${mailbox.name} (${flags.join(' ')})`;
  return {
    ...NOTHING,
    name: command,
    begin: (client) => client.literal(command, messageOf(id)),
    come: [{ mailbox, id, flags: new Set(flags) }],
  };
}

function store(session: ModelSession, set: string, truths: readonly Truth[]): InFlight {
  const change = pick(['+', '-', ''] as const, session.random);
  const flags = FLAGS.filter(() => session.random() < 0.4);
  const name = `UID STORE ${set} ${change}FLAGS (${flags.join(' ')})`;
  const after = truths.map((truth) => {
    const changed: Truth = { ...truth, flags: new Set(truth.flags) };
    applyFlags(changed, change, flags);
    return [truth, changed.flags] as const;
  });
  return { ...NOTHING, name, begin: (client) => client.run(name), flags: new Map(after) };
}

function copy(
  session: ModelSession,
  moves: boolean,
  set: string,
  truths: readonly Truth[],
): InFlight {
  const mailbox = session.mailboxes.find((other) => other !== session.mailbox) as MailboxModel;
  const name = `UID ${moves ? 'MOVE' : 'COPY'} ${set} ${mailbox.name}`;
  return {
    ...NOTHING,
    name,
    begin: (client) => client.run(name),
    come: truths.map(({ id, flags }) => ({ mailbox, id, flags: new Set(flags) })),
    gone: new Set(moves ? truths : []),
    moves,
  };
}

function expunge(session: ModelSession): InFlight {
  const known = new Set(session.replica.messages.map(({ uid }) => uid));
  const doomed = (session.mailbox as MailboxModel).alive.filter(
    ({ uid, flags }) => flags.has('\\Deleted') && known.has(uid),
  );
  return {
    ...NOTHING,
    name: 'EXPUNGE',
    begin: (client) => client.run('EXPUNGE'),
    gone: new Set(doomed),
  };
}

/**
 * Looks at all mailboxes, and takes for the truth what is there. Throws where that cannot come from the command. `told`:
 * the command was answered with OK, so all of it has to be done.
 */
export async function settle(
  mailboxes: readonly MailboxModel[],
  client: WireClient,
  inFlight: InFlight,
  told: boolean,
): Promise<void> {
  const come = [...inFlight.come];
  const arrived: string[] = [];
  const left: string[] = [];
  for (const mailbox of mailboxes) {
    const found = await look(mailbox, client);
    // Deliveries that nobody had seen may get their UIDs with this look, in any order, after what the command brought.
    const largest = mailbox.largestUid;
    for (const truth of mailbox.alive) {
      if (settleOne(mailbox, truth, found, inFlight, told)) continue;
      left.push(truth.id);
      mailbox.remove(truth);
    }
    for (const [uid, { id, flags }] of [...found].sort(([a], [b]) => a - b)) {
      const at = come.findIndex((one) => one.mailbox === mailbox && one.id === id);
      if (at < 0) throw new Error(`${mailbox.name}: UID ${uid} (${id}) comes from nowhere`);
      const [{ flags: wanted }] = come.splice(at, 1) as [Come];
      if (!same(flags, wanted))
        throw new Error(`${id} came with (${[...flags]}), not (${[...wanted]})`);
      if (uid <= largest) throw new Error(`UID ${uid} was given after ${largest}`);
      mailbox.learn(mailbox.add(id, flags), uid);
      arrived.push(id);
    }
  }
  if (told && come.length > 0)
    throw new Error(`told OK, and ${come.map(({ id }) => id)} did not come`);
  if (inFlight.moves && arrived.sort().join() !== left.sort().join())
    throw new Error(`${left} left, and ${arrived} came`);
}

/** One message; false when it is gone, as it may be. What is found of it is taken out of `found`. */
function settleOne(
  mailbox: MailboxModel,
  truth: Truth,
  found: Found,
  { flags, gone }: InFlight,
  told: boolean,
): boolean {
  const uid = truth.uid ?? uidOfUnseen(mailbox, truth.id, found);
  const is = uid === undefined ? undefined : found.get(uid);
  if (uid === undefined || is === undefined) {
    if (gone.has(truth)) return false;
    throw new Error(`${mailbox.name}: ${truth.id} (UID ${truth.uid}) is lost`);
  }
  found.delete(uid);
  if (is.id !== truth.id) throw new Error(`UID ${uid} was ${truth.id}’s, is ${is.id}’s`);
  if (told && gone.has(truth)) throw new Error(`told OK, and ${truth.id} is still there`);
  mailbox.learn(truth, uid);
  const after = flags.get(truth) ?? truth.flags;
  const before = told ? after : truth.flags;
  for (const flag of FLAGS)
    if (is.flags.has(flag) !== before.has(flag) && is.flags.has(flag) !== after.has(flag))
      throw new Error(
        `UID ${uid}: (${[...is.flags]}), was (${[...truth.flags]}), to be (${[...after]})`,
      );
  truth.flags.clear();
  for (const flag of is.flags) truth.flags.add(flag);
  return true;
}

/** Of a delivery that no session was told of. It may have got its UID before others got theirs; nobody has copied it. */
function uidOfUnseen(mailbox: MailboxModel, id: string, found: Found): number | undefined {
  const uids = [...found].filter(([, one]) => one.id === id).map(([uid]) => uid);
  return uids.find((uid) => mailbox.byUid(uid) === undefined);
}

/** All of a mailbox, as a client finds it who has never been here. */
async function look(mailbox: MailboxModel, client: WireClient): Promise<Found> {
  const selected = await client.run(`SELECT ${mailbox.name}`);
  const text = selected.untagged.map((response) => response.text).join('\n');
  mailbox.learnValidity(Number(/\[UIDVALIDITY (\d+)\]/.exec(text)?.[1]));
  if (Number(/\[UIDNEXT (\d+)\]/.exec(text)?.[1]) <= mailbox.largestUid)
    throw new Error(`UIDNEXT of ${mailbox.name} is not above ${mailbox.largestUid}`);
  const { untagged } = await client.run('UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (X-ID)])');
  const found: Found = new Map();
  for (const { values } of untagged) {
    if (values[1] !== 'FETCH') continue;
    const items = itemsOf(values[2]);
    const id = /x-id: (\S+)/i.exec(String(items.get('BODY[HEADER.FIELDS (X-ID)]')))?.[1] ?? '?';
    const flags = (items.get('FLAGS') as string[]).filter((flag) => flag !== '\\Recent');
    found.set(Number(items.get('UID')), { id, flags: new Set(flags) });
  }
  return found;
}

function same(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((one) => b.has(one));
}
