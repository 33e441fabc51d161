// vrehash: moves the users' directories of a virtual domain to where its settings put them now. vrehash(1).

import type { Invocation } from '@q/proc';
import { rehashDirectories } from '@q/vmail-domain';
import { openProgress } from './bulk.ts';
import { reasonOf, runTool, type Tool } from './tool.ts';

const STEP = 'translating paths and making directories';

/** Exit code 0, or 1 when a directory could not be moved. */
export function vrehashMain(invocation: Invocation): Promise<number> {
  return runTool('vrehash', invocation, async (tool) => {
    const progress = openProgress(tool);
    try {
      const rehashed = await rehashDirectories(tool.domain, (step, directories) =>
        progress.show(`${directories} directories ${step}`),
      );
      progress.clear();
      return report(tool, rehashed);
    } catch (error) {
      progress.clear();
      step(tool, false, `failed:\n  ${reasonOf(error)}`);
      return false;
    }
  });
}

function report(
  tool: Tool,
  rehashed: readonly { readonly name: string; readonly refused: string | undefined }[],
): boolean {
  const left = rehashed.filter(({ refused }) => refused !== undefined);
  for (const { name, refused } of left)
    tool.complain(`user '${name}' was left alone:\n  ${refused}`, name);
  const outcome = left.length === 0 ? 'OK.' : `failed:\n  ${left.length} directories were left.`;
  step(tool, left.length === 0, outcome);
  return left.length === 0;
}

/** On stdout in both cases, as VMailMgr has it. */
function step(tool: Tool, ok: boolean, outcome: string): void {
  if (ok || !tool.json) tool.status(`${STEP}: ${outcome}`);
  else tool.insist(`${STEP}: ${outcome}`);
}
