// Who can log in, and their mail: system users and virtual ones, the same for every server.
//
//   system    100 users with a uid of their own each, 20 messages
//   virtual   100 users of one domain, all with its owner's uid, the same
//   m2k m20k m100k    one user each with so many messages
//
// Passwords are MD5-crypt: what a better hash costs is the same for all and is measured with POP3.
import {
  domainOwner,
  enterUsers,
  hashes,
  makeDomain,
  systemUser,
  virtualUser,
} from '../shared/users.mjs';
import { fill } from './mailboxes.mjs';

const EACH = 100;
const FEW = 20;

/** Makes the accounts in /etc and in `home`; the users, by kind. `sizes`: { m2k: 2000, ... }, those that are wanted. */
export function makeAccounts({ home, dist, sizes }) {
  const { md5 } = hashes();
  const owner = domainOwner(home);
  const numbers = Array.from({ length: EACH }, (_, i) => i + 1);
  const users = {
    system: numbers.map((number) => ({ ...systemUser(home, number, md5), count: FEW })),
    virtual: numbers.map((number) => ({ ...virtualUser(owner, `box${number}`, md5), count: FEW })),
  };
  for (const [name, count] of Object.entries(sizes))
    users[name] = [{ ...virtualUser(owner, name, md5), count }];
  enterUsers([owner, ...users.system], md5);
  makeDomain(owner, Object.values(users).flat(), dist);
  for (const user of Object.values(users).flat()) fill(user);
  return users;
}
