// Writes messages for one Maildir into the queue of an instance, as its owner. The plan is JSON in the last argument.
import { linkSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const plan = JSON.parse(process.argv.at(-1));
const queue = join(plan.home, 'queue');
const split = readdirSync(join(queue, 'mess')).length;
const sender = 'sender@elsewhere.test';

writeFileSync(join(plan.home, 'control/concurrencylocal'), `${plan.concurrency}\n`);
writeFileSync(join(plan.home, 'alias/.qmail-drop'), './Maildir/\n', { mode: 0o600 });
for (const part of ['', 'tmp', 'new', 'cur'])
  mkdirSync(join(plan.home, 'alias/Maildir', part), { recursive: true, mode: 0o700 });

const line = `${'0123456789abcdef'.repeat(4)}\n`;
for (let n = 0; n < plan.count; n++) {
  const head = `Received: (qmail 99 invoked by uid 1000); 26 Sep 1995 04:46:54 -0000\nMessage-ID: <m${n}@bench>\n\n`;
  const body = line
    .repeat(Math.ceil(plan.size / line.length))
    .slice(0, Math.max(0, plan.size - head.length));
  const written = join(queue, 'pid/99.1');
  writeFileSync(written, head + body, { mode: 0o644 });
  const id = statSync(written).ino;
  const place = `${id % split}/${id}`;
  renameSync(written, join(queue, 'mess', place));
  if (plan.state === 'preprocessed') {
    writeFileSync(join(queue, 'info', place), `F${sender}\0`, { mode: 0o600 });
    writeFileSync(join(queue, 'local', place), 'Tdrop@localhost\0', { mode: 0o600 });
  } else {
    const envelope = `u${process.getuid()}\0p99\0F${sender}\0Tdrop@localhost\0`;
    writeFileSync(join(queue, 'intd', String(id)), envelope, { mode: 0o644 });
    linkSync(join(queue, 'intd', String(id)), join(queue, 'todo', String(id)));
  }
}
