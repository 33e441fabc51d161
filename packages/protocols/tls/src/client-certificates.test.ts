import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { certificateOf } from './certificate.ts';
import { verifyChain } from './client-chain.ts';
import { ClientCertificates, clientTermsOf, TrustFiles } from './index.ts';
import { type Authority, hasOpenssl, makeAuthority } from './testing/index.ts';

const DAY = 86_400_000;
const EMAIL = '1.2.840.113549.1.9.1';
const der = ({ cert }: { cert: string }) => new X509Certificate(cert).raw;

describe.runIf(hasOpenssl)('a chain of certificates (needs openssl)', () => {
  let ours: Authority;
  beforeAll(() => {
    ours = makeAuthority();
  });

  const judge = (chain: readonly { cert: string }[], now?: number) =>
    verifyChain(chain.map(der), [certificateOf(der(ours))], now);

  test('from a client to a CA of ours is good, through others or not, in any order, with the CA itself or not', () => {
    const middle = ours.issueAuthority('/CN=Middle');
    const lower = middle.issueAuthority('/CN=Lower');
    const joe = lower.issue('/CN=joe');
    expect(judge([ours.issue('/CN=ann')]).x509.subject).toBe('CN=ann');
    expect(judge([ours.issue('/CN=ann'), ours]).x509.subject).toBe('CN=ann');
    expect(judge([joe, lower, middle]).x509.subject).toBe('CN=joe');
    expect(judge([joe, ours, middle, lower, ours]).x509.subject).toBe('CN=joe');
    // A CA of one name with another key comes first.
    const namesake = ours.issueAuthority('/CN=Lower');
    expect(judge([joe, namesake, lower, middle]).x509.subject).toBe('CN=joe');
  });

  test('is refused where its CA is not ours, though it bears our CA’s name', () => {
    const foreign = makeAuthority('/CN=Elsewhere');
    expect(() => judge([foreign.issue('/CN=joe'), foreign])).toThrow('issuer is not trusted');
    const forged = makeAuthority('/CN=Test CA');
    expect(() => judge([forged.issue('/CN=joe'), forged])).toThrow('signature is wrong');
    const own = makeAuthority('/CN=joe', 'basicConstraints=CA:TRUE\n');
    expect(() => judge([own])).toThrow('issuer is not trusted');
    expect(() => judge([])).toThrow('no certificate');
  });

  test('is refused before its time and after it, whichever certificate that is', () => {
    const joe = ours.issue('/CN=joe');
    expect(() => judge([joe], Date.now() - 2 * DAY)).toThrow('not valid yet');
    expect(() => judge([joe], Date.now() + 3 * DAY)).toThrow('expired');
    expect(() => judge([ours.issue('/CN=joe', { days: -1 })])).toThrow('expired');
    const long = ours.issue('/CN=joe', { days: 30 });
    expect(() => judge([long], Date.now() + 10 * DAY)).toThrow('expired');
  });

  test('is refused where one in between is no CA, may not sign, or has too many below it', () => {
    const through = (extensions: string) => {
      const middle = ours.issueAuthority('/CN=Middle', extensions);
      return [middle.issue('/CN=joe'), middle];
    };
    expect(() => judge(through('basicConstraints=CA:FALSE\n'))).toThrow('no CA');
    expect(() => judge(through('subjectKeyIdentifier=hash\n'))).toThrow('no CA');
    const noSigner = 'basicConstraints=critical,CA:TRUE\nkeyUsage=digitalSignature\n';
    expect(() => judge(through(noSigner))).toThrow('may not sign');
    const last = 'basicConstraints=critical,CA:TRUE,pathlen:0\n';
    expect(judge(through(last)).x509.subject).toBe('CN=joe');
    const middle = ours.issueAuthority('/CN=Middle', last);
    const lower = middle.issueAuthority('/CN=Lower');
    expect(() => judge([lower.issue('/CN=joe'), lower, middle])).toThrow('too many CAs');
  });

  test('is refused where one is for servers alone, or not for signatures', () => {
    const forServers = 'extendedKeyUsage=serverAuth\n';
    const both = 'extendedKeyUsage=serverAuth,clientAuth\n';
    expect(() => judge([ours.issue('/CN=joe', { extensions: forServers })])).toThrow('for clients');
    expect(judge([ours.issue('/CN=joe', { extensions: both })]).x509.subject).toBe('CN=joe');
    const noUse = 'subjectKeyIdentifier=hash\n';
    expect(judge([ours.issue('/CN=joe', { extensions: noUse })]).x509.subject).toBe('CN=joe');
    const crypt = 'keyUsage=keyEncipherment\n';
    expect(() => judge([ours.issue('/CN=joe', { extensions: crypt })])).toThrow('for signatures');
    const middle = ours.issueAuthority('/CN=M', `basicConstraints=CA:TRUE\n${forServers}`);
    expect(() => judge([middle.issue('/CN=joe'), middle])).toThrow('for clients');
  });

  test('is refused where it asks for something that is not judged here', () => {
    const odd = 'extendedKeyUsage=clientAuth\n1.2.3.4=critical,ASN1:NULL\n';
    expect(() => judge([ours.issue('/CN=joe', { extensions: odd })])).toThrow('1.2.3.4');
    const harmless = odd.replace('critical,', '');
    expect(judge([ours.issue('/CN=joe', { extensions: harmless })]).x509.subject).toBe('CN=joe');
    const named =
      'basicConstraints=critical,CA:TRUE\nnameConstraints=permitted;email:example.org\n';
    const middle = ours.issueAuthority('/CN=M', named);
    expect(() => judge([middle.issue('/CN=joe'), middle])).toThrow('name constraints');
  });

  test('is refused when it is long, malformed, or tampered with', () => {
    const joe = ours.issue('/CN=joe');
    const many = Array.from({ length: 8 }, () => ours);
    expect(() => judge([joe, ...many])).toThrow('too long');
    expect(judge([joe, ...many.slice(1)]).x509.subject).toBe('CN=joe');
    const trusted = [certificateOf(der(ours))];
    expect(() => verifyChain([Buffer.alloc(70_000)], trusted)).toThrow('too long');
    expect(() => verifyChain([Buffer.from('joe')], trusted)).toThrow('malformed');
    const good = der(joe);
    const at = good.indexOf('joe');
    const forged = Buffer.from(good);
    forged.write('ann', at);
    expect(() => verifyChain([forged], trusted)).toThrow('signature is wrong');
    for (const [i, byte] of good.entries())
      for (const flip of [0x01, 0xff]) {
        const bent = Buffer.from(good);
        bent[i] = byte ^ flip;
        expect(() => verifyChain([bent], trusted)).toThrow();
      }
  });

  test('with a weak key or signature is refused', () => {
    const dir = mkdtempSync(join(tmpdir(), 'weak-'));
    try {
      writeFileSync(join(dir, 'ca'), ours.cert);
      writeFileSync(join(dir, 'key'), ours.key);
      const make = (key: readonly string[], hash: string) => {
        const words = ['req', ...key, '-nodes', '-subj', '/CN=joe', '-keyout', 'k', '-out', 'r'];
        execFileSync('openssl', words, { cwd: dir, stdio: 'ignore' });
        const sign = ['x509', '-req', '-in', 'r', '-CA', 'ca', '-CAkey', 'key', hash, '-days', '2'];
        const more = ['-extfile', 'e', '-set_serial', '7', '-out', 'cert'];
        // With an extension it is of version 3.
        writeFileSync(join(dir, 'e'), 'extendedKeyUsage=clientAuth\n');
        execFileSync('openssl', [...sign, ...more], { cwd: dir, stdio: 'ignore' });
        return { cert: readFileSync(join(dir, 'cert'), 'latin1') };
      };
      expect(() => judge([make(['-newkey', 'rsa:1024'], '-sha256')])).toThrow('key is too weak');
      expect(() => judge([make(['-newkey', 'rsa:2048'], '-sha1')])).toThrow(
        'signature is too weak',
      );
      expect(judge([make(['-newkey', 'rsa:2048'], '-sha384')]).x509.subject).toBe('CN=joe');
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  test('names one account, in the part of the subject that was asked for', () => {
    const name = (subject: string, nameIn = EMAIL) => {
      const set = { trusted: [ours.cert], required: false, nameIn };
      return new ClientCertificates(set).nameOf([der(ours.issue(subject))]);
    };
    expect(name('/CN=Joe Doe/emailAddress=joe@example.org')).toBe('joe@example.org');
    expect(name('/CN=joe', '2.5.4.3')).toBe('joe');
    expect(name('/UID=joe', '0.9.2342.19200300.100.1.1')).toBe('joe');
    expect(name('/CN=emailAddress=x@y/emailAddress=joe@example.org')).toBe('joe@example.org');
    expect(() => name('/CN=joe')).toThrow('names no account');
    expect(() => name('/CN=joe/CN=ann', '2.5.4.3')).toThrow('more than one');
    expect(() => name('/CN=joe+CN=ann', '2.5.4.3')).toThrow('more than one');
    expect(() => name('/CN=Joe Doe', '2.5.4.3')).toThrow('no account that could be');
    const foreign = makeAuthority('/CN=Elsewhere').issue('/CN=joe');
    const set = { trusted: [ours.cert], required: false, nameIn: '2.5.4.3' };
    expect(() => new ClientCertificates(set).nameOf([der(foreign)])).toThrow('not trusted');
  });

  test('can only be trusted from a CA', () => {
    const set = { trusted: [ours.issue('/CN=joe').cert], required: false, nameIn: undefined };
    expect(() => new ClientCertificates(set)).toThrow('it is no CA');
    expect(() => new ClientCertificates({ ...set, trusted: ['x'] })).toThrow('unable to trust');
  });
});

describe('the CAs of TLS_TRUSTCERTS', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'trust-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));
  const pem = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----`;

  test('stand in a file, or in the files of a directory, each counted once', () => {
    writeFileSync(join(dir, 'one'), `about A\n${pem('AAAA')}\n${pem('BBBB')}\nprivate\n`);
    expect(new TrustFiles(join(dir, 'one')).read()).toEqual([pem('AAAA'), pem('BBBB')]);
    writeFileSync(join(dir, 'two'), pem('CCCC').replaceAll('\n', '\r\n'));
    writeFileSync(join(dir, 'README'), 'nothing');
    symlinkSync('two', join(dir, '0a1b2c3d.0'));
    symlinkSync('nowhere', join(dir, 'gone'));
    mkdirSync(join(dir, 'sub'));
    expect(new TrustFiles(dir).read()).toEqual([pem('CCCC'), pem('AAAA'), pem('BBBB')]);
  });

  test('have changed when a file was written, came or went, and are missed when none is there', () => {
    const files = new TrustFiles(dir);
    expect(() => files.read()).toThrow('no certificate there');
    writeFileSync(join(dir, 'one'), pem('AAAA'));
    expect(files.changed).toBe(true);
    files.read();
    expect(files.changed).toBe(false);
    writeFileSync(join(dir, 'one'), pem('AAAABBBB'));
    expect(files.changed).toBe(true);
    const none = new TrustFiles(join(dir, 'none'));
    expect(() => none.read()).toThrow('unable to use');
    expect(none.changed).toBe(false);
    writeFileSync(join(dir, 'none'), pem('DDDD'));
    expect(none.changed).toBe(true);
    expect(none.read()).toEqual([pem('DDDD')]);
    writeFileSync(join(dir, 'none'), 'x'.repeat(1024 * 1024 + 1));
    expect(() => none.read()).toThrow('too large');
  });
});

test('Courier’s settings say what is asked of clients; what means nothing is refused', () => {
  const terms = (settings: Readonly<Record<string, string>>) =>
    clientTermsOf((name) => settings[name]);
  const TLS_TRUSTCERTS = '/etc/cas';
  expect(terms({})).toBeUndefined();
  expect(terms({ TLS_VERIFYPEER: 'NONE', TLS_EXTERNAL: 'email' })).toBeUndefined();
  expect(terms({ TLS_VERIFYPEER: 'peer', TLS_TRUSTCERTS, TLS_EXTERNAL: 'emailAddress' })).toEqual({
    trusted: TLS_TRUSTCERTS,
    required: false,
    nameIn: EMAIL,
  });
  const required = { TLS_VERIFYPEER: 'REQUIREPEER', TLS_TRUSTCERTS };
  expect(terms(required)).toEqual({
    trusted: TLS_TRUSTCERTS,
    required: true,
    nameIn: undefined,
  });
  expect(terms({ ...required, TLS_EXTERNAL: 'CN' })?.nameIn).toBe('2.5.4.3');
  expect(terms({ ...required, TLS_EXTERNAL: '1.3.6.1.4.1.7' })?.nameIn).toBe('1.3.6.1.4.1.7');
  expect(() => terms({ TLS_VERIFYPEER: 'PEER' })).toThrow('needs TLS_TRUSTCERTS');
  expect(() => terms({ ...required, TLS_VERIFYPEER: 'yes' })).toThrow('neither NONE');
  expect(() => terms({ ...required, TLS_EXTERNAL: 'shoe size' })).toThrow('no part of a subject');
});
