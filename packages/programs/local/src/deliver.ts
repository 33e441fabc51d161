// Carries out the instructions of a .qmail file, in order; the forwards last and all at once.
// dot-qmail(5), qmail-local(8).

import { bytesOf } from '@q/bytes';
import type { Instruction } from '@q/dotqmail';
import { type DeliveryOptions, deliverToMaildir } from '@q/maildir';
import type { DeliveryLines } from './environment.ts';
import type { ForwardRequest } from './forward.ts';
import { deliverToMbox } from './mbox.ts';
import type { MessageFile } from './message-file.ts';
import { deliverToProgram } from './program.ts';
import type { WarmPrograms } from './warm-program.ts';

export interface DeliveryContext {
  readonly message: MessageFile;
  readonly lines: DeliveryLines;
  /** For programs, and for the queue: made when the first of them asks. */
  readonly env: () => NodeJS.ProcessEnv;
  readonly newSender: string;
  readonly qmailHome: string;
  /** In a worker: programs that need not be started for each message. */
  readonly warmPrograms: WarmPrograms | undefined;
  /** How the disk is waited for. */
  readonly syncs: DeliveryOptions['files'] | undefined;
}

/**
 * Does everything; the first failure ends it with a fault, and what was done by then is done again at the
 * next try. Resolves to what goes to the log: "did FILES+FORWARDS+PROGRAMS" and the queue's number.
 */
export async function deliverAll(
  instructions: Iterable<Instruction>,
  context: DeliveryContext,
): Promise<string> {
  const recipients: string[] = [];
  const count = nothingYet();
  for (const instruction of instructions) {
    count[instruction.kind]++;
    if (instruction.kind === 'forward') recipients.push(instruction.address);
    else if ((await perform(instruction, context)) === 'stop') break;
  }
  if (recipients.length === 0) return didLine(count);
  return `${didLine(count)}qp ${await forward(recipients, context)}\n`;
}

/** True when nothing of it needs fd 1 and 2, and none of it waits for anything but the disk. */
export function isMaildirOnly(instructions: Iterable<Instruction>): boolean {
  try {
    for (const { kind } of instructions) if (kind !== 'maildir') return false;
  } catch {
    // What stands before the error is done, and then it is reported.
  }
  return true;
}

/** What would be done, one line each, and the counts: qmail-local -n. */
export function* describe(instructions: Iterable<Instruction>): Generator<string, void, void> {
  const count = nothingYet();
  for (const instruction of instructions) {
    count[instruction.kind]++;
    yield `${instruction.kind} ${operandOf(instruction)}\n`;
  }
  yield didLine(count);
}

type Counts = Record<Instruction['kind'], number>;

function nothingYet(): Counts {
  return { mbox: 0, maildir: 0, program: 0, forward: 0 };
}

function didLine(count: Counts): string {
  return `did ${count.mbox + count.maildir}+${count.forward}+${count.program}\n`;
}

function operandOf(instruction: Instruction): string {
  switch (instruction.kind) {
    case 'program':
      return instruction.command;
    case 'forward':
      return instruction.address;
    default:
      return instruction.path;
  }
}

/** Does one of the instructions that are done at once. */
async function perform(
  instruction: Exclude<Instruction, { kind: 'forward' }>,
  context: DeliveryContext,
): Promise<'go on' | 'stop'> {
  switch (instruction.kind) {
    case 'mbox':
      await toMbox(instruction.path, context);
      return 'go on';
    case 'maildir':
      await toMaildir(instruction.path, context);
      return 'go on';
    case 'program':
      return deliverToProgram(instruction.command, context.env(), context.message, {
        warm: context.warmPrograms,
      });
  }
}

function toMbox(path: string, { lines, message }: DeliveryContext): Promise<void> {
  return deliverToMbox(path, `${lines.from}${lines.returnPath}${lines.deliveredTo}`, message);
}

async function toMaildir(path: string, { lines, message, syncs }: DeliveryContext): Promise<void> {
  function* parts() {
    yield bytesOf(`${lines.returnPath}${lines.deliveredTo}`);
    yield* message.chunks();
  }
  // Its faults have qmail-local's texts.
  await deliverToMaildir(bytesOf(path), parts(), syncs === undefined ? {} : { files: syncs });
}

async function forward(recipients: readonly string[], context: DeliveryContext) {
  // Loaded when it is needed: the way into the queue brings sockets along, which take longer to load than
  // most deliveries take to make.
  const { forwardMessage } = await import('./forward.ts');
  const request: ForwardRequest = {
    home: context.qmailHome,
    env: context.env(),
    sender: context.newSender,
    recipients,
    deliveredTo: context.lines.deliveredTo,
  };
  return forwardMessage(request, context.message);
}
