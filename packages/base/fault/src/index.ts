export { errnoOf, errnoText, isTemporaryErrno } from './errno.ts';
export { type Fault, faultOf, isFault, Permanent, Temporary } from './fault.ts';
