// What the commands do, as the domain's owner, in its home. Each operation gives its replies; the last one
// closes the request.

import { posix } from 'node:path';
import { asciiLower, bytesOf } from '@q/bytes';
import { Permanent } from '@q/fault';
import {
  type Attribute,
  addUser,
  checkedDirectory,
  checkForward,
  checkUserName,
  countMail,
  type Domain,
  deleteUsers,
  openAutoresponse,
  withAttribute,
  withTable,
} from '@q/vmail-domain';
import {
  clearPassword,
  decodeRecord,
  encodeRecord,
  hashPassword,
  isClearPassword,
  userDefaults,
  type VirtualUser,
  verifyPasswordAsync,
} from '@q/vmailmgr';
import type { Reply } from '@q/vmailmgrd';
import { type Job, wrongPassword } from './authorise.ts';
import { BadRequest, PASSWORD_ATTRIBUTE } from './commands.ts';

type Replies = AsyncGenerator<Reply>;
export type Operation = (domain: Domain, job: Job) => Replies;

const UNKNOWN_USER = 'Invalid or unknown virtual user';
const NOT_VIRTUAL = 'User name does not refer to a virtual user';
const EXISTS = 'Virtual user already exists';
const NO_LOGIN = '*';

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  async *check(domain, job) {
    if (!job.admin) await provenUser(domain, job);
    yield ok('');
  },
  async *lookup(domain, job) {
    const user = await provenUser(domain, job);
    yield { code: 0, text: encodeRecord(user) };
    yield ok('Wrote virtual user data');
  },
  listdomain,
  async *adduser2(domain, job) {
    const [, , , password = '', directory = '', ...forwards] = job.args;
    yield await add(domain, job, { password, directory, mailbox: directory !== '', forwards });
  },
  async *adduser3(domain, job) {
    const [, , , password = '', directory = '', mailbox, ...forwards] = job.args;
    yield await add(domain, job, { password, directory, mailbox: mailbox !== '', forwards });
  },
  async *deluser(domain, job) {
    const [deletion] = await deleteUsers(domain, [virtualNameOf(job)]);
    if (deletion?.refused === 'User does not exist') throw new Permanent(UNKNOWN_USER);
    if (deletion?.refused !== undefined) throw new Permanent(deletion.refused);
    yield ok('Deleted user.');
  },
  chattr,
  autoresponse,
  async *stat(domain, job) {
    const { directory, hasMailbox } = await provenUser(domain, job);
    if (!hasMailbox) throw new Permanent('User has no mailbox');
    const { fresh, unseen, seen } = countMail(directory);
    const numbers = [fresh, unseen, seen].flatMap(({ messages, bytes }) => [messages, bytes]);
    yield ok(`\0${numbers.map((number) => `${number}\0`).join('')}`);
  },
};

function ok(text: string): Reply {
  return { code: 0, text: bytesOf(text) };
}

function virtualNameOf({ virtualName }: Job): string {
  if (virtualName === '') throw new Permanent(NOT_VIRTUAL);
  return virtualName;
}

/**
 * The user, if the client may act in its name. Who is not the administrator learns nothing about which users
 * there are: no such user and a wrong password are one answer, after one and the same time.
 */
async function provenUser(domain: Domain, job: Job): Promise<VirtualUser> {
  const name = virtualNameOf(job);
  const user = withTable(domain, (table) => table.get(name));
  if (!job.admin) {
    const right = await verifyPasswordAsync(bytesOf(job.args[2] ?? ''), user?.password);
    if (!right) throw await wrongPassword();
  }
  if (user === undefined) throw new Permanent(UNKNOWN_USER);
  return user;
}

/** Records of old forms are sent as new ones; one that nobody can read is left out. */
async function* listdomain(domain: Domain, job: Job): Replies {
  if (job.virtualName !== '') throw new Permanent('Invalid or unknown base user or domain');
  const table = domain.openTable();
  try {
    yield ok('');
    for (const [key, record] of table.records()) {
      const current = currentForm(record);
      if (current !== undefined)
        yield { code: 0, text: Buffer.concat([key, Buffer.alloc(1), current]) };
    }
    yield ok('');
  } finally {
    table.close();
  }
}

function currentForm(record: Buffer): Buffer | undefined {
  try {
    return encodeRecord(decodeRecord(record));
  } catch {
    return undefined;
  }
}

interface NewUser {
  readonly password: string;
  readonly directory: string;
  readonly mailbox: boolean;
  readonly forwards: readonly string[];
}

async function add(domain: Domain, job: Job, wanted: NewUser): Promise<Reply> {
  const name = virtualNameOf(job);
  checkUserName(name);
  const given = wanted.directory === '' ? name : wanted.directory;
  // A name below the user directory, no path: who may add users may not choose where on the host.
  if (posix.basename(given) !== given || given === '.' || given === '..')
    throw new Permanent(`Invalid directory name '${given}'`);
  const forwards = wanted.forwards.filter((address) => address !== '');
  withTable(domain, (table) => {
    if (table.has(name)) throw new Permanent(EXISTS);
    for (const address of forwards) checkForward(address, (user) => table.has(user));
  });
  const user: VirtualUser = {
    ...userDefaults(domain.settings),
    password: wanted.password === '' ? NO_LOGIN : hashPassword(bytesOf(wanted.password)),
    directory: checkedDirectory(domain.directoryOf(given)),
    forwards,
    hasMailbox: wanted.mailbox,
  };
  if (!(await addUser(domain, name, user))) throw new Permanent(EXISTS);
  return ok('User added successfully');
}

/** The numbers of the attributes other than password and forwards, and what is said when one was changed. */
const ATTRIBUTES: Readonly<Record<string, { readonly name: Attribute; readonly done: string }>> = {
  3: { name: 'hardquota', done: 'Attribute value changed' },
  4: { name: 'softquota', done: 'Attribute value changed' },
  5: { name: 'msgsize', done: 'Attribute value changed' },
  6: { name: 'msgcount', done: 'Attribute value changed' },
  7: { name: 'expiry', done: 'Attribute value changed' },
  8: { name: 'enabled', done: 'Attribute value changed' },
  9: { name: 'personal', done: 'Personal information changed.' },
};
const FORWARDS_ATTRIBUTE = '2';

async function* chattr(domain: Domain, job: Job): Replies {
  const name = virtualNameOf(job);
  const [, , , attribute = '', ...values] = job.args;
  await provenUser(domain, job);
  const { change, done } = changeOf(domain, attribute, values);
  await domain.update((draft) => {
    const user = draft.get(name);
    if (user === undefined) throw new Permanent(UNKNOWN_USER);
    draft.set(name, change(user));
  });
  yield ok(done);
}

function changeOf(domain: Domain, attribute: string, values: readonly string[]) {
  const [value = ''] = values;
  if (attribute === PASSWORD_ATTRIBUTE) {
    const hash = hashPassword(bytesOf(value));
    const clear = clearPassword(bytesOf(value));
    // In clear only where it was so before: who logs in by APOP or CRAM-MD5 shall not be locked out by it.
    const change = (user: VirtualUser) => ({
      ...user,
      password: isClearPassword(user.password) ? clear : hash,
    });
    return { change, done: 'Password changed' };
  }
  if (attribute === FORWARDS_ATTRIBUTE) {
    const forwards = values.filter((address) => address !== '');
    withTable(domain, (table) => {
      for (const address of forwards) checkForward(address, (user) => table.has(asciiLower(user)));
    });
    return {
      change: (user: VirtualUser) => ({ ...user, forwards }),
      done: 'Forwarding address(es) changed',
    };
  }
  const row = Object.hasOwn(ATTRIBUTES, attribute) ? ATTRIBUTES[attribute] : undefined;
  if (row === undefined) throw new BadRequest('Invalid attribute type');
  return { change: (user: VirtualUser) => withAttribute(user, row.name, value), done: row.done };
}

async function* autoresponse(domain: Domain, job: Job): Replies {
  const { directory } = await provenUser(domain, job);
  const [, , , action = '', message] = job.args;
  const own = openAutoresponse(domain, directory);
  switch (action) {
    case 'status':
      yield ok(own.status());
      return;
    case 'read':
      yield { code: 0, text: own.read() };
      return;
    case 'write':
      if (message === undefined) throw new BadRequest('Invalid operation');
      await own.write(bytesOf(message));
      yield ok('Autoresponse written');
      return;
    case 'enable':
      await own.enable();
      yield ok('Autoresponse enabled');
      return;
    case 'disable':
      await own.disable();
      yield ok('Autoresponse disabled');
      return;
    case 'delete':
      own.delete();
      yield ok('Autoresponse deleted');
      return;
    default:
      throw new BadRequest('Invalid operation');
  }
}
