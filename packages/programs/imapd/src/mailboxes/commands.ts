// Commands on mailboxes as a whole, their names, rights, quotas and notes.

import type { CommandTable } from '../session.ts';
import { deleteAclRow, getAclRow, listRightsRow, myRightsRow, setAclRow } from './acl.ts';
import { createRow } from './create.ts';
import { deleteRow } from './delete.ts';
import { listRow } from './list.ts';
import { lsubRow } from './lsub.ts';
import { getMetadataRow, setMetadataRow } from './metadata.ts';
import { namespaceRow } from './namespace.ts';
import { notifyRow } from './notify/notify.ts';
import { getQuotaRootRow, getQuotaRow, setQuotaRow } from './quota.ts';
import { renameRow } from './rename.ts';
import { statusRow } from './status.ts';
import { subscribeRow, unsubscribeRow } from './subscribe.ts';

export const mailboxCommands: CommandTable = {
  CREATE: createRow,
  DELETE: deleteRow,
  DELETEACL: deleteAclRow,
  GETACL: getAclRow,
  GETMETADATA: getMetadataRow,
  GETQUOTA: getQuotaRow,
  GETQUOTAROOT: getQuotaRootRow,
  LIST: listRow,
  LISTRIGHTS: listRightsRow,
  LSUB: lsubRow,
  MYRIGHTS: myRightsRow,
  NAMESPACE: namespaceRow,
  NOTIFY: notifyRow,
  RENAME: renameRow,
  SETACL: setAclRow,
  SETMETADATA: setMetadataRow,
  SETQUOTA: setQuotaRow,
  STATUS: statusRow,
  SUBSCRIBE: subscribeRow,
  UNSUBSCRIBE: unsubscribeRow,
};
