// mailsubj(1): sends its standard input as a message with a subject.

import { type Invocation, mailText } from '@q/proc';
import { feedProgram, ours } from './feed.ts';

export function mailsubjMain({ program, args, env }: Invocation): Promise<number> {
  const [subject = '', ...recipients] = args.map(mailText);
  const header = Buffer.from(subjectHeader(subject, recipients), 'latin1');
  return feedProgram(ours(program, 'qmail-inject'), [], header, env);
}

/** The header of such a message and the empty line. A line end in an argument folds its field and never ends it. */
function subjectHeader(subject: string, recipients: readonly string[]): string {
  const folded = (text: string) => text.replace(/\r?\n/g, '\n ');
  return `Subject: ${folded(subject)}\nTo: ${folded(recipients.join(' '))}\n\n`;
}
