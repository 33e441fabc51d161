export { compileAssign } from './assign.ts';
export { type Assignment, decodeAssignment, encodeAssignment } from './assignment.ts';
export {
  type AccountLookup,
  EXIT_HOME_TROUBLE,
  EXIT_NO_ALIAS,
  EXIT_SYSTEM_TROUBLE,
  getpwRule,
} from './getpw.ts';
export { ACCOUNT_NAME_MAX, BREAK, ID_MAX } from './limits.ts';
export {
  EXIT_USERS_CDB,
  lookupAssignment,
  type Match,
  matchAssignment,
  openUsersCdb,
} from './lookup.ts';
export { type IdLookup, isPrivateInstance, type QmailIds, qmailIds } from './qmail-ids.ts';
export { UsersTable } from './table.ts';
