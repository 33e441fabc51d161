// qmail-qfsck(8): is this queue what a queue must be? Says what it finds; with --repair puts it right, also after the
// queue was copied to another disk.

import type { Invocation } from '@q/proc';
import { type Output, openOutput, shown } from '../../output.ts';
import { findQueue } from '../access.ts';
import { startProgress } from '../progress.ts';
import { check } from './check.ts';
import { repair } from './repair.ts';

/** Something is wrong, still. */
const EXIT_WRONG = 1;

/** 0 when nothing is wrong, or all of it could be put right; 1 when something is. */
export async function qfsckMain({ env, options }: Invocation): Promise<number> {
  const out = openOutput();
  const progress = startProgress('names looked at');
  const access = findQueue(env);
  const json = options.json === true;
  try {
    if (options.repair === true) {
      const tell = (line: string) => {
        if (json) out.json({ repair: line });
        else out.write(`repair: ${line}\n`);
      };
      await repair({ access, progress, tell });
    }
    const { wrong, notes } = await printFindings(check(access, progress, false), out, json);
    progress.end();
    if (!json) out.write(verdict(wrong, notes));
    return wrong === 0 ? 0 : EXIT_WRONG;
  } finally {
    progress.end();
    out.flush();
  }
}

async function printFindings(findings: ReturnType<typeof check>, out: Output, json: boolean) {
  let wrong = 0;
  let notes = 0;
  for await (const finding of findings) {
    if (finding.note === true) notes++;
    else wrong++;
    if (json) out.json(finding);
    else out.write(`${shown(finding.path)} ${finding.what}\n`);
  }
  return { wrong, notes };
}

function verdict(wrong: number, notes: number): string {
  if (wrong > 0) return `${wrong} thing${wrong === 1 ? '' : 's'} wrong\n`;
  return notes > 0 ? 'nothing wrong\n' : 'the queue is in order\n';
}
