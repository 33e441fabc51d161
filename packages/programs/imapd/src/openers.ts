// Where accounts, caches and folders come from.

import { Temporary } from '@q/fault';
import { openAccount } from '@q/mail-account';
import type { Openers } from './accounts.ts';

const notYet = () => {
  throw new Temporary('no mailboxes yet');
};

export const openers: Openers = {
  account: ({ quota, sharedIndex, user, root, namespace, acl, trashFolder }) =>
    openAccount({
      user,
      root,
      namespace,
      acl,
      trashFolder,
      ...(quota !== undefined && { quota }),
      ...(sharedIndex !== undefined && { sharedIndex }),
    }),
  cache: notYet,
  folder: notYet,
  forget: () => {},
};
