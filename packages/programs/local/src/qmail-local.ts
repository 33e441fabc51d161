// qmail-local(8): delivers one message, on fd 0, to one recipient, as that recipient. What it prints is
// the report: qmail-lspawn hands it to qmail-send, which logs it or puts it into a bounce.

import { bytesOf } from '@q/bytes';
import { qmailHome } from '@q/control';
import { parseDotQmail } from '@q/dotqmail';
import { faultOf, Permanent } from '@q/fault';
import { writeFullySync } from '@q/fsx';
import type { Invocation } from '@q/proc';
import { type ControlFile, findControlFile } from './control-file.ts';
import { deliverAll, describe, isMaildirOnly } from './deliver.ts';
import { deliveryLines, programEnvironment } from './environment.ts';
import { enterHome } from './home.ts';
import { jobOf, type LocalJob } from './job.ts';
import { checkLoop } from './loop.ts';
import { MessageFile } from './message-file.ts';
import { newSenderOf } from './new-sender.ts';
import { NotBegun, type Surroundings } from './surroundings.ts';

const USAGE =
  'qmail-local: usage: qmail-local [ -nN ] user homedir local dash ext domain sender aliasempty';

/** One delivery, or with --worker many. Exit codes: 0 delivered, 100 never, 111 try again. */
export async function localMain(invocation: Invocation): Promise<number> {
  if (invocation.options.worker !== true) return attempt(invocation, { files: OWN, way: {} });
  // Loaded here: the other form is started for one delivery, and every millisecond counts.
  const { serveDeliveries } = await import('./worker.ts');
  return serveDeliveries(invocation, attempt);
}

const OWN: Surroundings['files'] = { input: 0, print: writeFullySync };

/** One delivery. Exit codes as above. */
async function attempt(invocation: Invocation, around: Surroundings): Promise<number> {
  const { print } = around.files;
  const job = jobOf(invocation.args);
  if (job === undefined) {
    print(2, latin1(`${USAGE}\n`));
    return 100;
  }
  process.umask(0o077);
  try {
    const { n, N } = invocation.options;
    if (n === true && N !== true) describeJob(job);
    else print(1, latin1(await deliver(job, invocation.env, around)));
    return 0;
  } catch (error) {
    if (error instanceof NotBegun) throw error;
    const fault = faultOf(error, 'Unable to deliver');
    if (fault.message !== '') print(2, latin1(`${fault.message}\n`));
    return fault.exitCode;
  }
}

function deliver(
  job: LocalJob,
  inherited: Readonly<NodeJS.ProcessEnv>,
  { files, way, mayBegin }: Surroundings,
): Promise<string> {
  enterHome(job.home, false);
  const message = new MessageFile(files.input);
  const lines = deliveryLines(job);
  checkLoop(message.chunks(), lines.deliveredTo);
  const file = controlFileOf(job);
  const newSender = newSenderOf(job);
  mayBegin?.(isMaildirOnly(instructionsOf(job, file)));
  const defaultPart = file?.defaultFrom === undefined ? undefined : job.ext.slice(file.defaultFrom);
  return deliverAll(instructionsOf(job, file), {
    message,
    lines,
    env: () => programEnvironment(inherited, { job, lines, newSender, defaultPart }),
    newSender,
    qmailHome: qmailHome(inherited),
    warmPrograms: way.warmPrograms,
    syncs: way.syncs,
  });
}

function describeJob(job: LocalJob): void {
  const warning = enterHome(job.home, true);
  if (warning !== undefined) writeFullySync(2, latin1(`${warning}\n`));
  for (const line of describe(instructionsOf(job, controlFileOf(job))))
    writeFullySync(1, latin1(line));
}

function controlFileOf(job: LocalJob): ControlFile | undefined {
  const file = findControlFile(job.dash, job.ext);
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

function latin1(text: string): Buffer {
  return bytesOf(text.replace(/[^\x00-\xff]/g, '?'));
}
