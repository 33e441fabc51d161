export { addUser, checkedDirectory } from './add-user.ts';
export { type Deletion, deleteUsers } from './delete-users.ts';
export { type Domain, openDomain, withTable } from './domain.ts';
export { checkForward, checkUserName } from './names.ts';
export { limitsOf, type UserLimits } from './new-limits.ts';
