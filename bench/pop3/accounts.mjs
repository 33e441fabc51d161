// Who can log in, and their mail: system users and virtual ones, the same for every server.
//
//   system    100 users with a uid of their own each, sha512-crypt, 5 messages of 2 kB
//   virtual   100 users of one domain, all with its owner's uid, otherwise the same
//   md5       one of these with an MD5-crypt hash, which costs next to nothing
//   small     50 messages of 2 kB        large    20 of 100 kB
//   many      50,000 messages of 1 kB, with their size in the file name        nosize    the same without
//
// Every server has a copy of its own of the directories; the files are the same by hard links.
import {
  domainOwner,
  enterUsers,
  hashes,
  makeDomain,
  systemUser,
  virtualUser,
} from '../shared/users.mjs';
import { fill } from './mailboxes.mjs';

export const HASHES = 'sha512-crypt, 5000 rounds; in login-md5 MD5-crypt';

const EACH = 100;
const FEW = { count: 5, bytes: 2000 };

/** Makes the accounts in /etc and in `home`; the users, by kind, have what adapters and clients need to know. */
export function makeAccounts({ home, dist, many }) {
  const { sha512, md5 } = hashes();
  const owner = domainOwner(home);
  const numbers = Array.from({ length: EACH }, (_, i) => i + 1);
  const system = numbers.map((number) => ({ ...systemUser(home, number, sha512), mail: FEW }));
  const virtual = (name, mail, hash = sha512) => ({ ...virtualUser(owner, name, hash), mail });
  const users = {
    system,
    virtual: numbers.map((number) => virtual(`box${number}`, FEW)),
    md5: [virtual('md5', FEW, md5)],
    small: [virtual('small', { count: 50, bytes: 2000 })],
    large: [virtual('large', { count: 20, bytes: 100_000 })],
    many: [virtual('many', { count: many, bytes: 1000 })],
    nosize: [virtual('nosize', { linkOf: 'many' })],
  };
  enterUsers([owner, ...system], sha512);
  makeDomain(owner, Object.values(users).flat(), dist);
  for (const user of Object.values(users).flat()) fill(user);
  return users;
}
