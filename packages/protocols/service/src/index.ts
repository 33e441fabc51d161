export {
  type ChildPlaces,
  isServiceChild,
  movedAddresses,
  type Role,
  type ServiceChild,
  serviceChild,
  startChild,
} from './child.ts';
export { fieldsOf, isText, messageOf } from './fields.ts';
export type {
  Counts,
  LoggedClient,
  LoginDialogue,
  LoginRequest,
  LoginTerms,
  LogLines,
  Mailbox,
  MailService,
  Refusal,
} from './login/mail-service.ts';
export { DEFAULT_MAILDIR, mailServiceMain } from './login/main.ts';
export { mailServiceFlags } from './login/options.ts';
export { stir } from './rest.ts';
export { servicePlaces, supervise } from './supervise.ts';
export { WorkerPool } from './worker-pool.ts';
export { type WorkerPart, type WorkerPlaces, workerRole } from './worker-process.ts';
