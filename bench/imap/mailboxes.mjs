// The mail in a user's Maildir: conversations of 300 people about nothing, the same at every run.
//
// 1 to 20 kB each, about 6.5 kB on average; one in seven has a text and its HTML, one in eight an attachment, one in 500
// a large one. One message in a thousand has the word "zugvogel" in its body.
import {
  chownSync,
  closeSync,
  fchownSync,
  futimesSync,
  mkdirSync,
  openSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

const FIRST_SECOND = 1_700_000_000;
const PEOPLE = 300;
/** Of those that may still be answered. */
const RECENT = 400;

/** Fills cur/: messages that clients have seen before, as most have that are left on a server. */
export function fill({ home, maildir, uid, gid, count }) {
  const dir = join(home, maildir);
  for (const part of ['', 'new', 'tmp', 'cur']) {
    mkdirSync(join(dir, part), { recursive: true });
    chownSync(join(dir, part), uid, gid);
  }
  const random = generator(count);
  const recent = [];
  for (let number = 0; number < count; number++) {
    const seconds = FIRST_SECOND + number * 300;
    const message = Buffer.from(nextMessage(random, recent, number, seconds), 'latin1');
    const name = `${seconds}.M${100_000 + number}P4711.host,S=${message.length}:2,S`;
    const fd = openSync(join(dir, 'cur', name), 'wx', 0o600);
    writeSync(fd, message);
    fchownSync(fd, uid, gid);
    futimesSync(fd, seconds, seconds);
    closeSync(fd);
  }
}

/** A message of `bytes` or a little more, with CRLF line ends, for APPEND. */
export function plainMessage(bytes) {
  const random = generator(1);
  let text = `From: person1@bench.test\r\nSubject: appended\r\nMessage-ID: <append@bench.test>\r\n\r\n`;
  while (text.length < bytes) text += `${words(random, 9).join(' ')}\r\n`;
  return text;
}

function nextMessage(random, recent, number, seconds) {
  const id = `<${number}.${seconds}@bench.test>`;
  const parent = random() < 0.6 ? recent[Math.floor(random() * recent.length)] : undefined;
  const subject = parent?.subject ?? words(random, 3 + Math.floor(random() * 4)).join(' ');
  const references = parent === undefined ? [] : [...parent.references.slice(-9), parent.id];
  recent.push({ id, subject, references });
  if (recent.length > RECENT) recent.shift();
  const head = [
    `Return-Path: <${person(random)}>`,
    `Delivered-To: box@bench.test`,
    `Received: (qmail ${number} invoked by uid 1000); ${new Date(seconds * 1000).toUTCString()}`,
    `From: ${words(random, 2).join(' ')} <${person(random)}>`,
    `To: box@bench.test, ${person(random)}`,
    `Subject: ${parent === undefined ? '' : 'Re: '}${subject}`,
    `Date: ${new Date(seconds * 1000).toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: ${id}`,
    ...(parent === undefined
      ? []
      : [`In-Reply-To: ${parent.id}`, `References: ${references.join('\n\t')}`]),
    'MIME-Version: 1.0',
  ];
  return `${head.join('\n')}\n${content(random, number)}`;
}

function content(random, number) {
  const kind = random();
  const text = paragraphs(random, 800 + Math.floor(random() ** 2 * 12_000), number % 1000 === 500);
  const plain = `Content-Type: text/plain; charset=utf-8\n\n${text}`;
  if (kind < 1 / 7) {
    const html = `<html><body><p>${text.slice(0, 3000).replaceAll('\n\n', '</p>\n<p>')}</p></body></html>\n`;
    return multipart('alternative', [plain, `Content-Type: text/html; charset=utf-8\n\n${html}`]);
  }
  if (kind < 1 / 7 + 1 / 8) {
    const large = number % 500 === 250 ? 300_000 : 3000 + Math.floor(random() * 8000);
    const bytes = Buffer.alloc(large, `${number} attached `);
    const lines = bytes.toString('base64').replace(/.{76}/g, '$&\n');
    return multipart('mixed', [
      plain,
      `Content-Type: application/octet-stream; name="file${number}.bin"\nContent-Transfer-Encoding: base64\n` +
        `Content-Disposition: attachment; filename="file${number}.bin"\n\n${lines}\n`,
    ]);
  }
  return plain;
}

function multipart(subtype, parts) {
  const boundary = '=_bench_boundary';
  const body = parts.map((part) => `--${boundary}\n${part}\n`).join('');
  return `Content-Type: multipart/${subtype}; boundary="${boundary}"\n\n${body}--${boundary}--\n`;
}

function paragraphs(random, length, rare) {
  let text = rare ? 'a zugvogel passed by\n' : '';
  while (text.length < length) {
    text += `${words(random, 9).join(' ')}\n`;
    if (random() < 0.15) text += '\n';
  }
  return text;
}

function person(random) {
  return `person${Math.floor(random() * PEOPLE)}@bench.test`;
}

const SYLLABLES = [
  'mo',
  'ka',
  'ri',
  'te',
  'sun',
  'bel',
  'an',
  'do',
  'li',
  'per',
  'ga',
  'no',
  'ze',
  'fu',
];

function words(random, count) {
  return Array.from({ length: count }, () => {
    let word = '';
    const syllables = 1 + Math.floor(random() * 3);
    for (let i = 0; i < syllables; i++) word += SYLLABLES[Math.floor(random() * SYLLABLES.length)];
    return word;
  });
}

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
