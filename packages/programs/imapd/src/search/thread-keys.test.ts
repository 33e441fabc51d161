import { afterEach, expect, test, vi } from 'vitest';
import { THREAD_KEYS_KEPT_MS, THREAD_KEYS_MAX } from './limits.ts';
import { TestClient } from './testing/client.ts';
import { TestMailbox } from './testing/mailbox.ts';
import { keepThreadKeys, ThreadKeys, threadKeys } from './thread-keys.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function mailbox(): Promise<TestMailbox> {
  const made = new TestMailbox();
  await made.add({ text: 'Message-ID: <a@x>\nSubject: one\nDate: 1 Jan 2020 10:00 +0000\n\n' });
  await made.add({
    text: 'Message-ID: <b@x>\nReferences: <a@x>\nSubject: Re: one\nDate: 2 Jan 2020 10:00 +0000\n\n',
  });
  return made;
}

test('threading again does not ask for the facts of messages that were there, and takes in those that came', async () => {
  const made = await mailbox();
  const client = new TestClient(made);
  expect((await client.say('THREAD REFERENCES UTF-8 ALL'))[0]).toBe('* THREAD (1 2)');
  const facts = vi.spyOn(client.view.opened.cache, 'facts');
  expect((await client.say('THREAD REFS UTF-8 ALL'))[0]).toBe('* THREAD (1 2)');
  expect(facts).not.toHaveBeenCalled();
  const added = await made.add({
    text: 'Message-ID: <c@x>\nReferences: <b@x>\nSubject: two\nDate: 3 Jan 2020 10:00 +0000\n\n',
  });
  await client.look();
  expect((await client.say('THREAD REFERENCES UTF-8 ALL'))[0]).toBe('* THREAD (1 2 3)');
  expect(new Set(facts.mock.calls.map(([message]) => message))).toEqual(new Set([added]));
});

test('keys are forgotten some time after they were used last', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { cache } = new TestClient(await mailbox()).view.opened;
  const keys = threadKeys(cache);
  keepThreadKeys(cache, keys);
  vi.advanceTimersByTime(THREAD_KEYS_KEPT_MS - 1);
  keepThreadKeys(cache, threadKeys(cache));
  vi.advanceTimersByTime(THREAD_KEYS_KEPT_MS - 1);
  expect(threadKeys(cache)).toBe(keys);
  vi.advanceTimersByTime(THREAD_KEYS_KEPT_MS);
  expect(threadKeys(cache)).not.toBe(keys);
});

test('those of a very large mailbox are not kept', async () => {
  const { cache } = new TestClient(await mailbox()).view.opened;
  const keys = new ThreadKeys();
  vi.spyOn(keys, 'size', 'get').mockReturnValue(THREAD_KEYS_MAX + 1);
  keepThreadKeys(cache, keys);
  expect(threadKeys(cache)).not.toBe(keys);
});
