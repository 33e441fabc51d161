// fastforward(1): delivers a message by the instructions that a forwarding database has for its recipient. It is run
// from a .qmail file, usually by ~alias/.qmail-default.

import { openCdb } from '@q/cdb';
import { qmailHome } from '@q/control';
import { isFault, Permanent, Temporary } from '@q/fault';
import { type Invocation, mailText } from '@q/proc';
import { type Expansion, expand } from './expand.ts';
import { isOn, parseFlags, printLines } from './flags.ts';
import { readListFile } from './list-file.ts';
import { feedProgram, queueCopy, requireMessage } from './message.ts';

const NAME = 'fastforward';
const EXIT_FORWARDED = 0;
/** qmail-local: and forget the further lines of the .qmail file. */
const EXIT_STOP = 99;
const EXIT_PERMANENT = 100;

/** Returns the exit code: 0, 99 with -p, 100 when the recipient is unknown. Throws faults; one without text was told. */
export async function fastforwardMain({ args, env }: Invocation): Promise<number> {
  const parsed = parseFlags(NAME, args, 'nNpPdD');
  const path = parsed?.rest[0];
  if (parsed === undefined || path === undefined) {
    process.stderr.write(`${NAME}: usage: ${NAME} [ -nNpPdD ] data.cdb\n`);
    return EXIT_PERMANENT;
  }
  const { flags } = parsed;
  const passThrough = isOn(flags, 'p', 'P');
  const recipient = recipientOf(env, isOn(flags, 'd', 'D'));
  const expansion = lookUp(path, recipient);
  if (expansion === undefined) {
    if (passThrough) return EXIT_FORWARDED;
    process.stderr.write('Sorry, no mailbox here by that name. (#5.1.1)\n');
    return EXIT_PERMANENT;
  }
  if (isOn(flags, 'n', 'N')) describe(expansion, env);
  else {
    const exit = await deliver(expansion, env).catch(told);
    if (exit !== undefined) return exit;
  }
  return passThrough ? EXIT_STOP : EXIT_FORWARDED;
}

/** A program that failed has said why. */
function told(error: unknown): number {
  if (isFault(error) && error.message === '') return error.exitCode;
  throw error;
}

function recipientOf(env: Invocation['env'], byExtension: boolean): string {
  if (!byExtension) return variable(env, 'RECIPIENT');
  const local = env.DEFAULT ?? env.EXT;
  if (local === undefined) throw new Permanent('$DEFAULT or $EXT must be set');
  return `${mailText(local)}@${variable(env, 'HOST')}`;
}

function variable(env: Invocation['env'], name: string): string {
  const value = env[name];
  if (value === undefined) throw new Permanent(`$${name} must be set`);
  return mailText(value);
}

/** Trouble with the table is the administrator's, who may be mending it: never a bounce. */
function lookUp(path: string, recipient: string): Expansion | undefined {
  try {
    const table = openCdb(path);
    if (table === undefined) throw new Temporary(`unable to read ${path}: no such file`);
    try {
      return expand(table, recipient, readListFile);
    } finally {
      table.close();
    }
  } catch (error) {
    if (isFault(error) && error.message.startsWith('Sorry,')) throw error;
    throw new Temporary((error as Error).message, { cause: error });
  }
}

function describe(expansion: Expansion, env: Invocation['env']): void {
  const sender = env.SENDER === undefined ? 'original envelope sender' : senderOf(expansion, env);
  const lines = expansion.programs.map(
    ({ command, withLines }) => `run ${withLines ? '!' : '|'}${command}`,
  );
  if (expansion.recipients.length === 0) lines.push('no forwarding');
  else
    lines.push(
      `from <${expansion.owner === undefined ? sender : senderOf(expansion, env)}>`,
      ...expansion.recipients.map((address) => `to <${address}>`),
    );
  printLines(lines);
}

/** Programs first: if one fails, nothing has been queued that a later attempt would queue again. */
async function deliver(expansion: Expansion, env: Invocation['env']): Promise<undefined> {
  requireMessage();
  const lines = (['UFLINE', 'RPLINE', 'DTLINE'] as const).map((name) => mailText(env[name] ?? ''));
  for (const { command, withLines } of expansion.programs)
    await feedProgram(command, withLines ? lines.join('') : '', env);
  if (expansion.recipients.length === 0) return undefined;
  const sender = senderOf(expansion, env);
  const copy = { home: qmailHome(env), env, sender, recipients: expansion.recipients };
  const qp = await queueCopy({ ...copy, deliveredTo: mailText(env.DTLINE ?? '') });
  process.stderr.write(`${NAME}: qp ${qp}\n`);
  return undefined;
}

/** Bounces go to the owner; bounces of bounces have none. */
function senderOf({ owner }: Expansion, env: Invocation['env']): string {
  const sender = env.SENDER === undefined ? undefined : mailText(env.SENDER);
  if (sender === '' || sender === '#@[]') return sender;
  const chosen = owner ?? sender;
  if (chosen === undefined) throw new Permanent('$SENDER must be set');
  return chosen;
}
