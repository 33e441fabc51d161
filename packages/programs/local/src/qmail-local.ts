// qmail-local(8): delivers one message, on fd 0, to one recipient, as that recipient. What it prints is
// the report: qmail-lspawn hands it to qmail-send, which logs it or puts it into a bounce.

import { writeSync } from 'node:fs';
import { bytesOf } from '@q/bytes';
import { qmailHome } from '@q/control';
import { parseDotQmail } from '@q/dotqmail';
import { faultOf, Permanent } from '@q/fault';
import type { Invocation } from '@q/proc';
import { type ControlFile, findControlFile } from './control-file.ts';
import { deliverAll, describe } from './deliver.ts';
import { deliveryLines, programEnvironment } from './environment.ts';
import { enterHome } from './home.ts';
import { jobOf, type LocalJob } from './job.ts';
import { checkLoop } from './loop.ts';
import { openMessage } from './message-file.ts';
import { newSenderOf } from './new-sender.ts';
import type { WarmPrograms } from './warm-program.ts';

const USAGE =
  'qmail-local: usage: qmail-local [ -nN ] user homedir local dash ext domain sender aliasempty';

/** One delivery, or with --worker many. Exit codes: 0 delivered, 100 never, 111 try again. */
export async function localMain(invocation: Invocation): Promise<number> {
  if (invocation.options.worker !== true) return attempt(invocation, undefined);
  // Loaded here: the other form is started for one delivery, and every millisecond counts.
  const { serveCalls } = await import('@q/warm');
  const { WarmPrograms } = await import('./warm-program.ts');
  const programs = new WarmPrograms(invocation);
  try {
    return await serveCalls(invocation, (call) => attempt(call, programs));
  } finally {
    programs.close();
  }
}

async function attempt(
  invocation: Invocation,
  warmPrograms: WarmPrograms | undefined,
): Promise<number> {
  const job = jobOf(invocation.args);
  if (job === undefined) {
    print(2, `${USAGE}\n`);
    return 100;
  }
  process.umask(0o077);
  try {
    const { n, N } = invocation.options;
    if (n === true && N !== true) await describeJob(job);
    else print(1, await deliver(job, invocation.env, warmPrograms));
    return 0;
  } catch (error) {
    const fault = faultOf(error, 'Unable to deliver');
    if (fault.message !== '') print(2, `${fault.message}\n`);
    return fault.exitCode;
  }
}

async function deliver(
  job: LocalJob,
  inherited: Readonly<NodeJS.ProcessEnv>,
  warmPrograms: WarmPrograms | undefined,
): Promise<string> {
  await enterHome(job.home, false);
  const message = await openMessage(0);
  const lines = deliveryLines(job);
  await checkLoop(message.chunks(), lines.deliveredTo);
  const file = await controlFileOf(job);
  const newSender = await newSenderOf(job);
  const defaultPart = file?.defaultFrom === undefined ? undefined : job.ext.slice(file.defaultFrom);
  const env = programEnvironment(inherited, { job, lines, newSender, defaultPart });
  return deliverAll(instructionsOf(job, file), {
    message,
    lines,
    env,
    newSender,
    qmailHome: qmailHome(inherited),
    warmPrograms,
  });
}

async function describeJob(job: LocalJob): Promise<void> {
  const warning = await enterHome(job.home, true);
  if (warning !== undefined) print(2, `${warning}\n`);
  for (const line of describe(instructionsOf(job, await controlFileOf(job)))) print(1, line);
}

async function controlFileOf(job: LocalJob): Promise<ControlFile | undefined> {
  const file = await findControlFile(job.dash, job.ext);
  if (file === undefined && job.dash !== '')
    throw new Permanent('Sorry, no mailbox here by that name. (#5.1.1)');
  return file;
}

/** An empty file, like a missing one, means the default delivery; a file of comments means none. */
function instructionsOf(job: LocalJob, file: ControlFile | undefined) {
  if (file === undefined || file.content.length === 0)
    return parseDotQmail(bytesOf(job.defaultDelivery), { forwardOnly: false });
  return parseDotQmail(file.content, { forwardOnly: file.forwardOnly });
}

function print(fd: number, text: string): void {
  writeSync(fd, bytesOf(text.replace(/[^\x00-\xff]/g, '?')));
}
