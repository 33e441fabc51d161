// What a delivery knows about itself: the three header lines, and the variables that programs started
// from a .qmail file find. qmail-command(8).

import { deliveredToLine, fromLine, returnPathLine } from '@q/message';
import { argText } from '@q/proc';
import type { LocalJob } from './job.ts';

/** The lines a delivered message begins with, latin1, each with its LF. */
export interface DeliveryLines {
  /** UFLINE: "From sender date", the mbox separator. */
  readonly from: string;
  /** RPLINE: Return-Path. */
  readonly returnPath: string;
  /** DTLINE: Delivered-To. */
  readonly deliveredTo: string;
}

/** `now` is in seconds since 1970. */
export function deliveryLines(job: LocalJob, now = Math.floor(Date.now() / 1000)): DeliveryLines {
  return {
    from: fromLine(job.sender, now),
    returnPath: returnPathLine(job.sender),
    deliveredTo: deliveredToLine(`${job.local}@${job.domain}`),
  };
}

export interface EnvironmentParts {
  readonly job: LocalJob;
  readonly lines: DeliveryLines;
  readonly newSender: string;
  /** What a "default" in the control file's name stands for; undefined when there is none. */
  readonly defaultPart: string | undefined;
}

/** The inherited environment with the delivery's variables on top. */
export function programEnvironment(
  inherited: Readonly<NodeJS.ProcessEnv>,
  { job, lines, newSender, defaultPart }: EnvironmentParts,
): NodeJS.ProcessEnv {
  const { local, domain, sender, ext } = job;
  const ext2 = afterDash(ext);
  const ext3 = afterDash(ext2);
  const host2 = beforeDot(domain);
  const host3 = beforeDot(host2);
  const mail: Record<string, string> = {
    HOST: domain,
    HOST2: host2,
    HOST3: host3,
    HOST4: beforeDot(host3),
    LOCAL: local,
    RECIPIENT: `${local}@${domain}`,
    SENDER: sender,
    NEWSENDER: newSender,
    UFLINE: lines.from,
    RPLINE: lines.returnPath,
    DTLINE: lines.deliveredTo,
    EXT: ext,
    EXT2: ext2,
    EXT3: ext3,
    EXT4: afterDash(ext3),
  };
  if (defaultPart !== undefined) mail.DEFAULT = defaultPart;
  const env: NodeJS.ProcessEnv = { ...inherited, HOME: job.home, USER: job.user };
  delete env.DEFAULT;
  for (const [name, value] of Object.entries(mail)) env[name] = argText(value);
  return env;
}

/** What follows the first dash, or nothing. */
function afterDash(text: string): string {
  const dash = text.indexOf('-');
  return dash < 0 ? '' : text.slice(dash + 1);
}

/** What stands before the last dot, or everything. */
function beforeDot(text: string): string {
  const dot = text.lastIndexOf('.');
  return dot < 0 ? text : text.slice(0, dot);
}
