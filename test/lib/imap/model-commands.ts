// The commands of a run of random commands: each is a step of a session, and says what the model must say to the answer.

import { pick } from '../fault-shim/fault-plan.ts';
import { applyFlags, FLAGS, type MailboxModel, sameFlags } from './model.ts';
import { type ModelSession, messageOf, uidsOf } from './model-session.ts';
import { itemsOf } from './wire.ts';

export async function store(session: ModelSession): Promise<void> {
  const some = session.some();
  if (some === undefined || session.readOnly) return;
  const change = pick(['+', '-', ''] as const, session.random);
  const flags = FLAGS.filter(() => session.random() < 0.3);
  const silent = session.random() < 0.3 ? '.SILENT' : '';
  const unless =
    session.manner !== 'plain' && session.random() < 0.3
      ? ` (UNCHANGEDSINCE ${session.replica.highestModseq})`
      : '';
  session.replica.quiet = !some.byUid;
  const answer = await session.run(
    `${some.byUid ? 'UID ' : ''}STORE ${some.set}${unless} ${change}FLAGS${silent} (${flags.join(' ')})`,
  );
  session.replica.quiet = false;
  if (answer.status === 'BAD') throw new Error(`STORE: ${answer.text}`);
  const refused = new Set(uidsOf(/\[MODIFIED ([\d,:]+)\]/.exec(answer.text)?.[1] ?? ''));
  for (const { message, number } of some.messages) {
    if (refused.has(some.byUid ? (message.uid as number) : number)) continue;
    const truth = session.mailbox?.byUid(message.uid as number);
    if (truth !== undefined) applyFlags(truth, change, flags);
    // Who asks not to be told knows.
    if (silent !== '' && message.flags !== undefined && truth !== undefined)
      message.flags = new Set(truth.flags);
  }
  await session.learn();
}

export async function fetch(session: ModelSession): Promise<void> {
  await session.noop();
  const some = session.some();
  if (some === undefined) return;
  session.replica.quiet = !some.byUid;
  const { status, text, untagged } = await session.run(
    `${some.byUid ? 'UID ' : ''}FETCH ${some.set} (UID FLAGS BODY.PEEK[])`,
  );
  session.replica.quiet = false;
  if (status === 'BAD') throw new Error(`FETCH: ${text}`);
  for (const { values } of untagged) {
    if (values[1] !== 'FETCH') continue;
    const found = itemsOf(values[2]);
    const truth = session.mailbox?.byUid(Number(found.get('UID')));
    const body = found.get('BODY[]');
    if (truth === undefined || body === undefined) continue;
    if (!String(body).includes(`X-ID: ${truth.id}\r\n`))
      throw new Error(`UID ${truth.uid} has another's text`);
    const flags = found.get('FLAGS');
    if (!sameFlags(new Set(flags as string[]), truth.flags))
      throw new Error(`UID ${truth.uid}: FETCH says (${flags}), truth (${[...truth.flags]})`);
  }
  await session.learn();
}

export async function search(session: ModelSession): Promise<void> {
  // What others did a moment ago need not be found before this session was told of it.
  await session.noop();
  const flag = pick(FLAGS, session.random);
  const word = flag.startsWith('\\') ? flag.slice(1) : `KEYWORD ${flag}`;
  session.replica.quiet = true;
  const { untagged } = await session.must(`SEARCH ${word}`);
  session.replica.quiet = false;
  const numbers = untagged.find(({ values }) => values[0] === 'SEARCH')?.values.slice(1) ?? [];
  const found = new Set(
    numbers
      .filter((value) => /^\d+$/.test(String(value)))
      .map((value) => session.replica.messages[Number(value) - 1]?.uid),
  );
  for (const { uid } of session.replica.messages) {
    const truth = uid === undefined ? undefined : session.mailbox?.byUid(uid);
    if (truth !== undefined && truth.flags.has(flag) !== found.has(uid))
      throw new Error(
        `SEARCH ${word}: UID ${uid}: ${found.has(uid)}, truth ${truth.flags.has(flag)}`,
      );
  }
  await session.learn();
}

export async function append(session: ModelSession, id: string): Promise<void> {
  const mailbox = pick(session.mailboxes, session.random);
  const flags = FLAGS.filter(() => session.random() < 0.2);
  const text = messageOf(id);
  const answer = await session.client.literal(`APPEND ${mailbox.name} (${flags.join(' ')})`, text);
  const code = /\[APPENDUID (\d+) (\d+)\]/.exec(answer.text);
  if (answer.status !== 'OK' || code === null) throw new Error(`APPEND: ${answer.text}`);
  mailbox.learnValidity(Number(code[1]));
  mailbox.add(id, flags, Number(code[2]));
  await session.learn();
}

/** COPY or MOVE into the other mailbox. */
export async function copy(session: ModelSession): Promise<void> {
  const verb = session.readOnly || session.random() < 0.5 ? 'COPY' : 'MOVE';
  const some = session.some();
  const target = session.mailboxes.find((mailbox) => mailbox !== session.mailbox);
  if (some === undefined || target === undefined) return;
  const there = some.messages.some(({ message }) => session.mailbox?.byUid(message.uid as number));
  const answer = await session.run(`${some.byUid ? 'UID ' : ''}${verb} ${some.set} ${target.name}`);
  if (answer.status === 'BAD') throw new Error(`${verb}: ${answer.text}`);
  const code = [answer.text, ...answer.untagged.map(({ text }) => text)]
    .map((text) => /\[COPYUID (\d+) ([\d,:]+) ([\d,:]+)\]/.exec(text))
    .find((found) => found !== null);
  if (code) copied(session, target, code, verb === 'MOVE');
  else if (answer.status === 'OK' && there) throw new Error(`${verb} did nothing: ${answer.text}`);
  await session.learn();
}

function copied(
  session: ModelSession,
  target: MailboxModel,
  code: RegExpExecArray,
  moved: boolean,
): void {
  target.learnValidity(Number(code[1]));
  const from = uidsOf(code[2] as string);
  const to = uidsOf(code[3] as string);
  if (from.length !== to.length) throw new Error(`COPYUID of ${from.length} and ${to.length}`);
  for (const [index, uid] of from.entries()) {
    const truth = session.mailbox?.byUid(uid);
    if (truth === undefined) throw new Error(`UID ${uid} was copied, and is not there`);
    target.add(truth.id, truth.flags, to[index]);
    if (!moved) continue;
    session.mailbox?.remove(truth);
    if (session.replica.indexOfUid(uid) >= 0)
      throw new Error(`UID ${uid} was moved, and the client was not told`);
  }
}

export async function expunge(session: ModelSession): Promise<void> {
  if (session.readOnly) return;
  // So that the client sees all that can be expunged.
  await session.noop();
  const some = session.random() < 0.4 ? session.some(true) : undefined;
  const doomed = (session.mailbox?.alive ?? []).filter(
    ({ flags, uid }) =>
      flags.has('\\Deleted') &&
      (some === undefined || some.messages.some(({ message }) => message.uid === uid)),
  );
  await session.must(some === undefined ? 'EXPUNGE' : `UID EXPUNGE ${some.set}`);
  for (const truth of doomed) {
    session.mailbox?.remove(truth);
    if (session.replica.indexOfUid(truth.uid as number) >= 0)
      throw new Error(`UID ${truth.uid} was expunged, and the client was not told`);
  }
  await session.learn();
}

/** CLOSE expunges without a word, UNSELECT does not. */
export async function leave(session: ModelSession): Promise<void> {
  const closes = session.random() < 0.5;
  if (closes && !session.readOnly) await expunge(session);
  await session.must(closes && session.readOnly ? 'CLOSE' : 'UNSELECT');
  session.mailbox = undefined;
}

export async function status(session: ModelSession): Promise<void> {
  const other = session.mailboxes.find((mailbox) => mailbox !== session.mailbox) as MailboxModel;
  const { untagged } = await session.must(
    `STATUS ${other.name} (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)`,
  );
  const list = untagged.find(({ values }) => values[0] === 'STATUS')?.values[2];
  const items = itemsOf(list);
  other.learnValidity(Number(items.get('UIDVALIDITY')));
  if (Number(items.get('UIDNEXT')) <= other.largestUid)
    throw new Error(`STATUS: UIDNEXT ${items.get('UIDNEXT')}`);
  const seen = other.alive.filter(({ uid }) => uid !== undefined).length;
  const messages = Number(items.get('MESSAGES'));
  if (messages < seen || messages > other.alive.length)
    throw new Error(`STATUS: ${messages} messages, truth ${seen} to ${other.alive.length}`);
  await session.learn();
}
