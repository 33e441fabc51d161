// predate(1) runs a program on its standard input with a Date field before it; datemail(1) is predate sendmail.

import type { Invocation } from '@q/proc';
import { feedProgram, ours } from './feed.ts';

export function predateMain({ args, env }: Invocation): Promise<number> {
  const [file = '', ...rest] = args;
  return feedProgram(file, rest, Buffer.from(localDateField(new Date())), env);
}

export function datemailMain({ program, args, env }: Invocation): Promise<number> {
  return predateMain({
    program,
    args: [ours(program, 'sendmail'), ...args],
    options: {},
    env,
  });
}

/** `Date: 26 Sep 1995 04:46:53 +0200`, in the time zone of the process. */
export function localDateField(date: Date): string {
  const east = -Math.round(date.getTimezoneOffset());
  const minutes = Math.abs(east);
  const zone = `${east < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${two(minutes % 60)}`;
  const day = `${date.getDate()} ${MONTHS[date.getMonth()]} ${date.getFullYear()}`;
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `Date: ${day} ${time} ${zone}\n`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
