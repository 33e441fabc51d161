// The frame all domain tools run in: they work in the owner's home, say what they do in lines that begin
// with their name, and end with 0 or 1.

import { errnoOf, faultOf } from '@q/fault';
import type { Invocation } from '@q/proc';
import { type Domain, openDomain } from '@q/vmail-domain';
import { type Output, standardOutput } from './output.ts';

const EXIT_OK = 0;
const EXIT_FAILED = 1;

export interface Tool {
  readonly name: string;
  readonly domain: Domain;
  readonly output: Output;
  /** --quiet: neither status lines nor most error texts. */
  readonly quiet: boolean;
  /** A line on stdout, "NAME: TEXT". Not with --quiet. */
  status(text: string): void;
  /** A line on stderr. Not with --quiet. */
  complain(text: string): void;
  /** A line on stderr, always. */
  insist(text: string): void;
}

/** Runs `body` in $HOME; its result says whether all went well. What it throws becomes a line and exit 1. */
export async function runTool(
  name: string,
  invocation: Invocation,
  body: (tool: Tool) => Promise<boolean> | boolean,
  output: Output = standardOutput,
): Promise<number> {
  const quiet = invocation.options.quiet === true;
  const insist = (text: string) => output.err(`${name}: ${text}\n`);
  const complain = quiet ? () => {} : insist;
  const status = quiet ? () => {} : (text: string) => output.out(`${name}: ${text}\n`);
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
    const tool = { name, domain, output, quiet, status, complain, insist };
    return (await body(tool)) ? EXIT_OK : EXIT_FAILED;
  } catch (error) {
    const fault = faultOf(error, 'internal error');
    // Nobody reads on: "listvdomain | head".
    if (errnoOf(fault.cause) !== 'EPIPE') insist(`error: ${fault.message}`);
    return EXIT_FAILED;
  }
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
