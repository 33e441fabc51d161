// Who guesses passwords, against who knows one: a flood of guesses from one address, and an account under attack from
// many, while its user logs in; and what a program that bans addresses reads of it.

import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addressesFound, hasFail2ban, throughMultilog, throughSplogger } from './lib/fail2ban.ts';
import { openDirectory, removeInstance } from './lib/instance.ts';
import { DOMAIN, type Pop3Host, startPop3Host } from './lib/pop3-host.ts';
import { residentOf, until } from './lib/processes.ts';
import { installed, isRoot } from './lib/run.ts';

const GUESSES = 1000;
/** Connections the guesser has at a time: more than the service takes. */
const AT_ONCE = 100;
/** Seconds after which the guesser hangs up on a silent server. */
const PATIENCE = 1;
/** Seconds after which a user does: longer than anything here makes one wait, on the slowest machine. */
const ENDLESS = 120;

const GUESSER = '127.0.0.66';
const HOME = '127.0.0.77';
const HOTEL = '127.0.0.88';
const SERVED = /^(?:\+OK.*\r\n){4}$/;

/** One login from an address of loopback: what was heard, up to the end or until it took too long. */
function login(
  port: number,
  from: string,
  [user, password]: readonly [string, string],
  seconds: number,
): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from });
    let heard = '';
    const over = setTimeout(() => socket.destroy(), seconds * 1000);
    socket.on('connect', () => socket.write(`USER ${user}\r\nPASS ${password}\r\nQUIT\r\n`));
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(over);
      resolve(heard);
    });
  });
}

describe('a service with the limits it has by itself', () => {
  let host: Pop3Host;
  beforeAll(async () => {
    host = await startPop3Host(isRoot ? 'root' : 'private');
  });
  afterAll(() => host.remove());

  const account = (name: string) => [`${name}@${DOMAIN}`, host.users[name] as string] as const;
  const failures = (ip: string) => host.log().split(`LOGIN FAILED, ip=[${ip}]`).length - 1;

  test('1,000 guesses from one address: few are looked at, and the user gets in each time meanwhile', async () => {
    // Starts the worker, which is then there before and after.
    expect(await login(host.port, '127.0.0.99', account('ben'), ENDLESS)).toMatch(SERVED);
    const before = residentOf(host.home);
    const begun = Date.now();
    let next = 0;
    let over = false;
    const guess = async () => {
      while (next < GUESSES) {
        const guessed = [`ann@${DOMAIN}`, `guess ${next++}`] as const;
        expect(await login(host.port, GUESSER, guessed, PATIENCE)).not.toMatch(SERVED);
      }
    };
    const guesser = Promise.all(Array.from({ length: AT_ONCE }, guess)).then(() => {
      over = true;
    });
    await until('the guesser is at work', () => failures(GUESSER) > 10);
    let logins = 0;
    while (!over || logins < 3) {
      expect(await login(host.port, HOME, account('ann'), ENDLESS)).toMatch(SERVED);
      logins++;
    }
    await guesser;
    expect(next).toBe(GUESSES);
    // As many at the start as it may have connections, and then ever fewer: one in fifteen seconds.
    const seconds = (Date.now() - begun) / 1000;
    expect(failures(GUESSER)).toBeLessThan(60 + seconds / 10);
    // Once its garbage is collected, which is when a process has had nothing to do for some seconds.
    await until('the guesses are forgotten', () => residentOf(host.home) - before < 50_000);
  });

  test('an account that is guessed at from everywhere: its user waits a little in a hotel, and nowhere at home', async () => {
    expect(await login(host.port, HOME, account('ben'), ENDLESS)).toMatch(SERVED);
    const guessers = Array.from({ length: 12 }, (_, i) => `127.0.1.${i + 1}`);
    const guesses = guessers.map((from) =>
      login(host.port, from, [`BEN@${DOMAIN}`, 'guess'], ENDLESS),
    );
    for (const said of await Promise.all(guesses)) expect(said).toContain('-ERR [AUTH]');
    const begun = Date.now();
    const order: string[] = [];
    const from = async (place: string) => {
      expect(await login(host.port, place, account('ben'), ENDLESS)).toMatch(SERVED);
      order.push(place);
    };
    await Promise.all([from(HOTEL), from(HOME)]);
    expect(order).toEqual([HOME, HOTEL]);
    expect(Date.now() - begun).toBeGreaterThan(3900);
  });

  describe.runIf(hasFail2ban && installed('multilog'))(
    'its log, by the filter courier-auth of fail2ban as it is delivered (needs fail2ban, multilog)',
    () => {
      let dir: string;
      let text: string;
      beforeAll(async () => {
        dir = openDirectory('fail2ban-');
        // A name that tries to put the blame on somebody else.
        const forged = 'x, ip=[192.0.2.1]" LOGIN FAILED, ip=[192.0.2.2]';
        const said = await login(host.port, '127.0.0.9', [forged, 'wrong'], ENDLESS);
        expect(said).toContain('-ERR [AUTH]');
        text = host.log();
      });
      afterAll(() => removeInstance(dir, []));

      const expected = () =>
        [...text.matchAll(/LOGIN FAILED, ip=\[([^\]]+)\], /g)].map(([, ip]) => ip);

      test('each failure is found, with its address, in what multilog keeps', async () => {
        const found = await addressesFound(await throughMultilog(text, dir), 'courier-auth');
        expect(found).toEqual(expected());
        expect(found).toContain(GUESSER);
        expect(found.at(-1)).toBe('127.0.0.9');
      });

      test('and in what syslog gets from splogger, when it is told how such lines begin', async () => {
        const log = await throughSplogger(text, dir);
        const begin = String.raw`courier-auth[_daemon="\S+: \d+\.\d+ qmail-pop(?:3d|up)"]`;
        expect(await addressesFound(log, begin)).toEqual(expected());
      });
    },
  );
});
