export { asctime, rfc822Date } from './date.ts';
export { HeaderScanner, type HeaderScannerOptions } from './header-scanner.ts';
export { HOPS_MAX } from './limits.ts';
export { deliveredToLine, fromLine, returnPathLine } from './local-lines.ts';
export { MboxrdEncoder } from './mboxrd.ts';
export {
  type Handover,
  type InvokerIds,
  invokedBy,
  receivedByQueue,
  receivedFrom,
} from './received.ts';
