// qmail-inject(8): reads a message, completes its header, and queues it. The header is held, the body streams.

import { qmailHome } from '@q/control';
import { Permanent } from '@q/fault';
import { returnPathLine } from '@q/message';
import type { Invocation } from '@q/proc';
import { HeaderReader, plainText } from '@q/rfc822';
import { type Arguments, parseArguments } from './arguments.ts';
import { HeaderRewriter, type NewHeader } from './header.ts';
import { readInput } from './input.ts';
import { withLf } from './line-ends.ts';
import { type Output, openQueueOutput, standardOutput } from './output.ts';
import { shown, unparsable } from './own-fields.ts';
import { argumentTokens, rewriteAddress } from './rewrite.ts';
import { readSettings, type Settings } from './settings.ts';

const EXIT_WRONG_CALL = 100;
const LF = 10;

/** Exit code 0 when the message is queued or printed, 100 for a wrong call. Throws faults for all else. */
export async function injectMain({ args: argv, env }: Invocation): Promise<number> {
  const settings = readSettings(env, { now: Math.floor(Date.now() / 1000), pid: process.pid });
  const args = parseArguments(argv);
  if ('problem' in args) {
    process.stderr.write(`qmail-inject: ${args.problem}\n`);
    return EXIT_WRONG_CALL;
  }
  const envelope = {
    sender: args.sender === undefined ? undefined : senderArgument(args.sender, settings),
    recipients: args.recipients.map((address) => recipientArgument(address, settings)),
  };
  const open = () =>
    args.queue ? openQueueOutput(qmailHome(env), env) : Promise.resolve(standardOutput(1));
  await pass(settings, args, envelope, open);
  return 0;
}

interface Envelope {
  readonly sender: string | undefined;
  readonly recipients: readonly string[];
}

async function pass(
  settings: Settings,
  args: Arguments,
  given: Envelope,
  open: () => Promise<Output>,
): Promise<void> {
  const message = await readHeader(settings, given.sender);
  const { header } = message;
  const fromHeader = args.recipientsFrom !== 'arguments';
  // Recipients that cannot be read must not be lost without a word. Nothing is lost by printing.
  if (fromHeader && args.queue && header.unread !== undefined) throw unparsable(header.unread);
  const { sender } = header;
  const output = await open();
  try {
    if (!args.queue) await output.write(Buffer.from(returnPathLine(sender), 'latin1'));
    for (const field of header.fields) await output.write(Buffer.from(field, 'latin1'));
    await copyBody(message, output);
  } catch (error) {
    output.abort();
    throw error;
  }
  await output.finish(sender, both(given.recipients, fromHeader ? header.recipients : []));
}

interface Message {
  readonly header: NewHeader;
  /** What follows the header in the blocks read so far. */
  readonly rest: Buffer;
  /** The blocks after that. */
  readonly input: AsyncIterator<Buffer>;
}

async function readHeader(settings: Settings, sender: string | undefined): Promise<Message> {
  const rewriter = new HeaderRewriter(settings);
  const reader = new HeaderReader({ onField: (text) => rewriter.field(text) });
  const input = settings.flags.crlf ? withLf(readInput(0)) : readInput(0);
  let rest: Buffer | undefined;
  while (!reader.done) {
    const block = await input.next();
    rest = block.done === true ? reader.end() : reader.push(block.value);
  }
  return { header: rewriter.finish(sender), rest: rest ?? Buffer.alloc(0), input };
}

/** The body as it is, with an LF at the end of its last line. A message that has none gets none. */
async function copyBody({ rest, input }: Message, output: Output): Promise<void> {
  let last = rest.at(-1) ?? LF;
  await output.write(rest);
  while (!output.failed) {
    const block = await input.next();
    if (block.done === true) {
      if (last !== LF) await output.write(Buffer.of(LF));
      return;
    }
    await output.write(block.value);
    last = block.value.at(-1) ?? last;
  }
}

function senderArgument(address: string, settings: Settings): string {
  const tokens = argumentTokens(address);
  if (tokens === undefined) throw unparsable(address);
  return plainText(rewriteAddress(tokens, settings.defaults));
}

function recipientArgument(address: string, settings: Settings): string {
  const tokens = argumentTokens(address);
  if (tokens === undefined) throw new Permanent(`unable to parse address: ${shown(address)}`);
  return plainText(rewriteAddress(tokens, settings.defaults));
}

function* both(first: Iterable<string>, second: Iterable<string>): Generator<string> {
  yield* first;
  yield* second;
}
