// One run: one row on one system that is up and idle.
import {
  cpuParts,
  difference,
  ownChildrenMs,
  totalOf,
  untilIdle,
  watchMemory,
} from '../shared/meters.mjs';
import { until } from '../shared/processes.mjs';
import { openSink, sendByClient, sendBySmtp } from './load.mjs';
import { clearMail, countMail } from './maildir.mjs';

/** What remains to be done after the last delivery may take this long before it is left alone. */
const SETTLE_MS = 10_000;

/**
 * Resolves to the measurement: accepted and delivered per second from the first connection on, CPU per
 * delivery, peak memory, and `cut` if the limit ended it.
 */
export async function runRow(row, system, site, limitMs) {
  clearMail(system.maildir);
  const sink = row.to === 'remote' ? await openSink(site.sinkPort) : undefined;
  try {
    return await measure(row, system, site, limitMs, sink);
  } finally {
    await sink?.close();
  }
}

async function measure(row, system, site, limitMs, sink) {
  const roots = () => system.processes();
  const parts = () =>
    new Map([
      ...cpuParts(roots()),
      ...(row.load === 'inject' ? [['clients', ownChildrenMs()]] : []),
    ]);
  const cpu = () => totalOf(parts());
  const recipients = recipientsOf(row, site);
  const wanted = row.to === 'queue' ? 0 : row.count * recipients.length;
  const done = doneOf(row, system, sink, wanted);

  const memory = watchMemory(roots);
  const before = parts();
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  const sent =
    row.load === 'smtp'
      ? sendBySmtp(row, { port: site.smtpPort, to: recipients[0], limitMs })
      : sendByClient(row, { system, site, recipients, limitMs });
  let accepted;
  const whole = Promise.all([
    sent.then((result) => {
      accepted = result;
    }),
    until(() => accepted !== undefined && done() >= wanted, limitMs, 20),
  ]);
  const [, complete] = await whole;
  const took = seconds();
  const delivered = done();
  // What the system does about a message after taking it belongs to its price.
  if (row.to === 'queue') await untilIdle(cpu, SETTLE_MS);
  const settled =
    complete && (row.to === 'queue' || (await until(() => system.queueEmpty(), SETTLE_MS)));
  const used = difference(parts(), before);
  const messages = row.to === 'queue' ? accepted.accepted : delivered;
  const many = recipients.length > 1;
  return {
    accepted:
      many || accepted.accepted === undefined ? undefined : accepted.accepted / accepted.seconds,
    delivered: row.to === 'queue' ? undefined : delivered / took,
    cpu: messages > 0 ? totalOf(used) / messages : undefined,
    parts: Object.fromEntries([...used].filter(([, ms]) => ms > 0)),
    memory: memory.stop(),
    cut: !settled,
    seconds: took,
    messages,
  };
}

function recipientsOf(row, { user, domain }) {
  const host = row.to === 'remote' ? 'far.test' : domain;
  const count = row.recipients ?? 1;
  if (count === 1) return [`${user.name}@${host}`];
  return Array.from({ length: count }, (_, i) => `${user.name}-${i}@${host}`);
}

/** How many deliveries are made so far. */
function doneOf(row, system, sink, wanted) {
  if (sink === undefined) return () => countMail(system.maildir);
  if (row.recipients === undefined) return () => sink.received();
  // Several recipients may share one transfer, which the sink counts once: the queue tells when all are done.
  return () => (sink.received() > 0 && system.queueEmpty() ? wanted : sink.received());
}
