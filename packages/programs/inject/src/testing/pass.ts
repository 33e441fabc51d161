// A message through the part of qmail-inject that neither reads nor writes, with settings that a test can foresee.

import { HeaderReader } from '@q/rfc822';
import { HeaderRewriter, type NewHeader } from '../header.ts';
import { defaultsOf } from '../rewrite.ts';
import { flagsOf, type Identity, type Settings } from '../settings.ts';

export interface TestSettings {
  readonly identity?: Partial<Identity>;
  /** QMAILINJECT */
  readonly letters?: string;
  readonly lists?: readonly string[];
}

export function testSettings(given: TestSettings = {}): Settings {
  return {
    defaults: defaultsOf({ host: 'host', domain: 'domain.test', plus: 'plus.test' }),
    idHost: 'id.test',
    identity: { user: 'joe', senderUser: 'joe', ...given.identity },
    flags: flagsOf(given.letters ?? ''),
    ...(given.lists === undefined ? {} : { lists: new Set(given.lists) }),
    now: 812090813, // 26 Sep 1995 04:46:53
    pid: 123,
  };
}

export interface Passed extends Omit<NewHeader, 'fields'> {
  /** The new header as one text, without the empty line. */
  readonly header: string;
  /** What follows it. */
  readonly rest: string;
}

/** `message` is latin1 text. */
export function passHeader(message: string, settings: Settings = testSettings()): Passed {
  const rewriter = new HeaderRewriter(settings);
  const reader = new HeaderReader({ onField: (field) => rewriter.field(field) });
  const rest = reader.push(Buffer.from(message, 'latin1')) ?? reader.end();
  const { fields, ...header } = rewriter.finish();
  return { ...header, header: [...fields].join(''), rest: rest?.toString('latin1') ?? '' };
}
