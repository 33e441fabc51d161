import { expect, test } from 'vitest';
import { DirectorySync } from './directory-sync.ts';

/** A sync whose end the test decides. */
function manual() {
  const started: { path: string; end: (error?: Error) => void }[] = [];
  const sync = new DirectorySync(
    (path) =>
      new Promise((resolve, reject) => {
        started.push({ path, end: (error) => (error ? reject(error) : resolve()) });
      }),
  );
  return { started, sync };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('whoever asks during a sync gets the one after it, together with the others', async () => {
  const { started, sync } = manual();
  const first = sync.sync('d');
  const second = sync.sync('d');
  const third = sync.sync('d');
  expect(second).toBe(third);
  expect(started.length).toBe(1);
  started[0]?.end();
  await first;
  await settle();
  expect(started.length).toBe(2);
  const fourth = sync.sync('d');
  expect(fourth).not.toBe(third);
  started[1]?.end();
  await third;
  await settle();
  started[2]?.end();
  await fourth;
  expect(started.length).toBe(3);
});

test('a failed sync fails those who relied on it and nobody else', async () => {
  const { started, sync } = manual();
  const first = sync.sync('d');
  const second = sync.sync('d');
  started[0]?.end(new Error('EIO'));
  await expect(first).rejects.toThrow('EIO');
  await settle();
  started[1]?.end();
  await second;
  const other = sync.sync('d');
  started[2]?.end();
  await other;
});
