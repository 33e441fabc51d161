// npm test: installs, builds, runs every test, names those that this machine left out, and ends with one
// line of counts. Arguments go to vitest. With QMAILTS_COMPLETE set (CI) a test left out is a failure.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepare, root } from './prepare.mjs';

prepare();
const work = mkdtempSync(join(tmpdir(), 'qmail-ts-test-'));
const report = join(work, 'report.json');
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
const words = ['run', ...reporters, ...process.argv.slice(2)];
const child = spawn(process.execPath, [vitest, ...words], { stdio: 'inherit' });
child.on('exit', (code) => {
  process.exitCode = summarize(code ?? 1);
  rmSync(work, { recursive: true });
});

/** Prints what was left out and the counts; gives the exit code. */
function summarize(code) {
  let result;
  try {
    result = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return code === 0 ? 1 : code; // vitest ended before it could report
  }
  const tests = result.testResults.flatMap((file) => file.assertionResults);
  const leftOut = tests.filter(({ status }) => status !== 'passed' && status !== 'failed');
  for (const { fullName } of leftOut) console.log(`left out: ${fullName}`);
  const complete = process.env.QMAILTS_COMPLETE !== undefined;
  // A file that failed before its first test has no test of its own to count.
  const brokenFiles = result.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((t) => t.status === 'failed'),
  ).length;
  const failed = result.numFailedTests + brokenFiles + (complete ? leftOut.length : 0);
  console.log(`${result.numPassedTests} passed, ${failed} failed`);
  return failed > 0 && code === 0 ? 1 : code;
}
