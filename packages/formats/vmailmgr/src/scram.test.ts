import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { expect, test } from 'vitest';
import { saslPrep } from './saslprep.ts';
import { isAuthMessage, verifyScram } from './scram.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

/** RFC 7677, section 3: user "user", password "pencil". */
const NONCE = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
const MESSAGE = `n=user,r=rOprNGfwEbeRWgbNEkqO,r=${NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=${NONCE}`;
const PROOF = 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=';
const SIGNATURE = '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=';

test('RFC 7677’s proof is right where the password is stored in clear, and is answered by its signature', async () => {
  expect(isAuthMessage(MESSAGE)).toBe(true);
  expect(await verifyScram(bytes(PROOF), MESSAGE, '$0$pencil')).toBe(SIGNATURE);
});

test.each([
  ['another password', PROOF, MESSAGE, '$0$pencils'],
  ['a hash', PROOF, MESSAGE, 'pencil'],
  ['nobody', PROOF, MESSAGE, undefined],
  ['no password', PROOF, MESSAGE, '$0$'],
  ['another proof', PROOF.replace('d', 'e'), MESSAGE, '$0$pencil'],
  ['no proof', '', MESSAGE, '$0$pencil'],
  ['the password in its place', 'pencil', MESSAGE, '$0$pencil'],
  ['another name', PROOF, MESSAGE.replace('user', 'root'), '$0$pencil'],
  ['two nonces', PROOF, MESSAGE.replace('$k0,s', '$k1,s'), '$0$pencil'],
  ['too few rounds', PROOF, MESSAGE.replace('4096', '4095'), '$0$pencil'],
  ['rounds without end', PROOF, MESSAGE.replace('4096', '2147483647'), '$0$pencil'],
  ['a stamp of CRAM-MD5', PROOF, '<1896.697170952@postoffice.reston.mci.net>', '$0$pencil'],
  ['nothing said', PROOF, '', '$0$pencil'],
])('with %s nothing is proved', async (_, proof, message, stored) => {
  expect(await verifyScram(bytes(proof), message, stored)).toBeUndefined();
});

test('RFC 4013’s examples come out as it says, and what is no UTF-8 as it was', () => {
  const prep = (text: string) => saslPrep(Buffer.from(text, 'utf8')).toString('utf8');
  expect(prep('I\u00adX')).toBe('IX');
  expect(prep('user')).toBe('user');
  expect(prep('USER')).toBe('USER');
  expect(prep('\u00aa')).toBe('a');
  expect(prep('\u2168')).toBe('IX');
  expect(prep('a\u00a0b')).toBe('a b');
  expect(saslPrep(bytes('tan st\xe9'))).toEqual(bytes('tan st\xe9'));
});

test('a password that can be typed in two ways is proved by a client that prepares it, and by one that does not', async () => {
  const typed = Buffer.from('pencil\u2168', 'utf8').toString('latin1');
  const proofs = ['pencilIX', typed].map((password) => proofOf(bytes(password), MESSAGE));
  expect(proofs[0]).not.toBe(proofs[1]);
  for (const proof of proofs)
    expect(await verifyScram(bytes(proof), MESSAGE, `$0$${typed}`)).toBeDefined();
});

/** The client's side, by RFC 5802. */
function proofOf(password: Buffer, message: string): string {
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
  const salted = pbkdf2Sync(password, salt, 4096, 32, 'sha256');
  const key = createHmac('sha256', salted).update('Client Key').digest();
  const stored = createHash('sha256').update(key).digest();
  const signature = createHmac('sha256', stored).update(message).digest();
  return Buffer.from(key.map((byte, at) => byte ^ (signature[at] as number))).toString('base64');
}
