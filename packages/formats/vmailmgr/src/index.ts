export {
  type Authenticated,
  authenticate,
  authenticateSystem,
  authenticateVirtual,
  openUserTable,
  type SystemPasswords,
  tablePath,
  userDefaults,
} from './authenticate.ts';
export { become, shellOf } from './become.ts';
export { verifyDigest } from './digest.ts';
export { hashLevels, userDirectory } from './directory.ts';
export { virtualEnvironment } from './environment.ts';
export { type HookPlace, runHooks } from './hooks.ts';
export {
  type BaseUser,
  EXIT_LOGIN_REFUSED,
  findBaseUser,
  findOwner,
  type Login,
  type LoginPlaces,
  qualify,
  refused,
  resolveLogin,
} from './login.ts';
export { LoginAttempt, type LoginCredentials, usableMaildir } from './mail-login.ts';
export { isUserName } from './names.ts';
export {
  clearPassword,
  hashPassword,
  hashPasswordAsync,
  isClearPassword,
  secretOf,
  verifyPassword,
  verifyPasswordAsync,
} from './password.ts';
export {
  decodeRecord,
  encodeRecord,
  type RecordDefaults,
  UNLIMITED,
  type VirtualUser,
} from './record.ts';
export { renewHash } from './renew-hash.ts';
export {
  globalSettingsDirectory,
  openSettings,
  SETTINGS,
  type SettingName,
  type Settings,
  type SettingsPlaces,
} from './settings.ts';
export { openTable, type Table } from './table.ts';
export { parseTextTable } from './text-table.ts';
export { type Draft, type UpdateOptions, updateTable } from './update.ts';
