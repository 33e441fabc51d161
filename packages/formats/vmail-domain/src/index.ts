export { addUser, checkedDirectory } from './add-user.ts';
export { type Autoresponse, type AutoresponseStatus, openAutoresponse } from './autoresponse.ts';
export { type Deletion, deleteUsers } from './delete-users.ts';
export { type Domain, openDomain, withTable } from './domain.ts';
export { countMail, type MailCounts } from './mail-count.ts';
export { checkForward, checkUserName } from './names.ts';
export { limitsOf, type UserLimits } from './new-limits.ts';
