// The frame all domain tools run in: they work in the owner's home, say what they do in lines that begin
// with their name, and end with 0 or 1.

import { errnoOf, faultOf } from '@q/fault';
import type { Invocation } from '@q/proc';
import { type Domain, openDomain } from '@q/vmail-domain';
import { jsonLine } from './json.ts';
import { type Output, standardOutput } from './output.ts';

const EXIT_OK = 0;
const EXIT_FAILED = 1;

export interface Tool {
  readonly name: string;
  readonly domain: Domain;
  readonly output: Output;
  /** --quiet: neither status lines nor most error texts. */
  readonly quiet: boolean;
  readonly json: boolean;
  /** A line on stdout, "NAME: TEXT". Not with --quiet. With --json each line is an object that names `user`, too. */
  status(text: string, user?: string): void;
  /** The same without NAME. */
  plain(text: string, user?: string): void;
  /** A line on stderr. Not with --quiet. */
  complain(text: string, user?: string): void;
  /** A line on stderr, always. */
  insist(text: string, user?: string): void;
}

/** Runs `body` in $HOME; its result says whether all went well. What it throws becomes a line and exit 1. */
export async function runTool(
  name: string,
  invocation: Invocation,
  body: (tool: Tool) => Promise<boolean> | boolean,
  output: Output = standardOutput,
): Promise<number> {
  const voice = voiceOf(name, invocation.options, output);
  const { insist } = voice;
  try {
    const home = invocation.env.HOME;
    if (home === undefined || home === '') {
      insist("Can't determine home directory");
      return EXIT_FAILED;
    }
    if (!enter(home)) {
      insist("Can't change to home directory");
      return EXIT_FAILED;
    }
    const domain = openDomain(home, invocation.env);
    const { quiet, json } = invocation.options;
    const tool = { name, domain, output, quiet: quiet === true, json: json === true, ...voice };
    return (await body(tool)) ? EXIT_OK : EXIT_FAILED;
  } catch (error) {
    const fault = faultOf(error, 'internal error');
    // Nobody reads on: "listvdomain | head".
    if (errnoOf(fault.cause) !== 'EPIPE') insist(`error: ${fault.message}`);
    return EXIT_FAILED;
  }
}

type Say = (text: string, user?: string) => void;
type Voice = Pick<Tool, 'status' | 'plain' | 'complain' | 'insist'>;

/** object = "{" [ user ] ok text "}" ; the text is what the line says without --json */
function voiceOf(name: string, options: Invocation['options'], output: Output): Voice {
  const line = (ok: boolean, prefix: string, text: string, user?: string) =>
    options.json === true
      ? jsonLine({ ...(user === undefined ? {} : { user }), ok, text })
      : `${prefix}${text}\n`;
  const insist: Say = (text, user) => output.err(line(false, `${name}: `, text, user));
  const silent: Say = () => {};
  if (options.quiet === true) return { status: silent, plain: silent, complain: silent, insist };
  return {
    status: (text, user) => output.out(line(true, `${name}: `, text, user)),
    plain: (text, user) => output.out(line(true, '', text, user)),
    complain: insist,
    insist,
  };
}

function enter(directory: string): boolean {
  try {
    process.chdir(directory);
    return true;
  } catch {
    return false;
  }
}

/** The second line of an error message. */
export function reasonOf(error: unknown): string {
  return faultOf(error, 'internal error').message;
}
