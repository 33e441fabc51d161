// Runs VMailMgr's hooks: programs without arguments that a host or a domain puts into its settings directory.

import { spawn } from '@q/proc';

/** The status of a hook that could not be started, as a shell has it. */
const NOT_STARTED = 127;
/** The status of a hook that was killed: VMailMgr's -1. */
const KILLED = 255;

export interface HookPlace {
  /** The whole environment. */
  readonly env: NodeJS.ProcessEnv;
  /** Descriptors of ours that become 0, 1 and 2 there; ignore: /dev/null. Default: the same ones. */
  readonly stdio?: readonly (number | 'ignore')[];
  /** Seconds after which a hook is killed, with what it has started. Left out, it takes the time it takes. */
  readonly seconds?: number;
  /** Called before each hook: to rewind the message it reads. */
  readonly before?: () => void;
}

/** Runs `paths` (of `Settings.hooks`) in order up to the first that fails; its exit status, or 0. */
export async function runHooks(paths: readonly string[], place: HookPlace): Promise<number> {
  for (const file of paths) {
    place.before?.();
    const status = await runHook(file, place);
    if (status !== 0) return status;
  }
  return 0;
}

async function runHook(file: string, place: HookPlace): Promise<number> {
  const { env, stdio = [0, 1, 2], seconds } = place;
  try {
    const child = await spawn({ file, args: [], env, stdio, detached: seconds !== undefined });
    const late =
      seconds === undefined
        ? undefined
        : setTimeout(() => child.killGroup('SIGKILL'), seconds * 1000);
    const exit = await child.exited;
    clearTimeout(late);
    return 'code' in exit ? exit.code : KILLED;
  } catch {
    return NOT_STARTED;
  }
}
