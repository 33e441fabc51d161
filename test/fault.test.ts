// The promises of the paper path, with the system calls under it failing and its processes dying: what was
// accepted is delivered, complete, to whom it is for and to nobody else, and was on disk when it was accepted.
//
// The programs run with a library of the test's own between them and the C library (lib/fault-shim). One run is
// one fault, drawn from the seed: a program, a call, how many of them go before, and what happens: an error
// (ENOSPC, EIO, EMFILE, EINTR ...), an error reported although the work was done, a short write, or SIGKILL before
// or after it. Several runs are under way at a time, in windows; after each window everything is put right
// again, the queue empties, and the accounts are made up.
//
//   FAULT_RUNS=2000    so many runs instead of 200, which take a minute or two
//   SEED=random        with another seed; it is printed. The same seed draws the same faults and messages
//   FAULT_FIRST=7      from its window 7 on
//   FAULT_VERBOSE=1    shows progress
//
// Covered are the functions of the C library that node, libuv and our native calls use on files, pipes and sockets:
// open, write, writev, pwrite, fsync, link, unlink, rename, mkdir, ftruncate, close (libuv's goes through syscall), read,
// pread, readv, recvmsg, sendmsg, accept4, socket, socketpair, pipe2, connect, fork, execve. Not covered: stat and its
// kin, readdir, chmod, flock, inotify.

import { afterEach, expect, test } from 'vitest';
import { FaultBench } from './lib/fault-shim/fault-bench.ts';
import { generator } from './lib/fault-shim/fault-plan.ts';
import { SEED } from './lib/seed.ts';

const RUNS = Number(process.env.FAULT_RUNS ?? 200);
const FIRST = Number(process.env.FAULT_FIRST ?? 0);
/** Faults in a window. */
const WINDOW = 32;

let bench: FaultBench | undefined;

afterEach(() => bench?.remove());

test(`${RUNS} faults at any system call of any program lose, garble and misdeliver nothing`, {
  timeout: Math.max(600_000, RUNS * 2000),
}, async () => {
  console.log(`fault test: SEED=${SEED}`);
  bench = await FaultBench.open();
  const fired = new Map<string, number>();
  let total = 0;
  for (let index = FIRST; total < RUNS; index++) {
    const result = await bench.window(index, WINDOW, generator(SEED * 7919 + index));
    if (result.flaws.length > 0) {
      const faults = result.fired.map((order) => JSON.stringify(order));
      const met = result.met.map((step) =>
        JSON.stringify({ ...step, data: step.data.slice(0, 60) }),
      );
      throw new Error(
        [
          `window ${index}: again with SEED=${SEED} FAULT_FIRST=${index} FAULT_RUNS=20`,
          ...result.flaws,
          ...faults,
          ...met,
          result.log,
        ].join('\n'),
      );
    }
    total += result.fired.length;
    if (process.env.FAULT_VERBOSE !== undefined) console.log(`window ${index}: ${total} faults`);
    for (const { role } of result.fired) fired.set(role, (fired.get(role) ?? 0) + 1);
  }
  const byRole = [...fired].map(([role, n]) => `${role} ${n}`).join(', ');
  console.log(`fault test: ${total} faults: ${byRole}; ${bench.accounts.duplicates} duplicates`);
  expect(fired.size).toBeGreaterThan(RUNS < 100 ? 3 : 8);
  expect(await bench.stop()).toBe(0);
});
