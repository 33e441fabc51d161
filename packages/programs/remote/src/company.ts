// What a verdict on several recipients is worth for each of them. Each is to fare as if it had been alone:
// what may be due to the company it was in is asked again without it.

import { remoteReport } from './rspawn-report.ts';
import { givingUp, type Verdict } from './verdict.ts';

/** The report of the recipient at that place, as qmail-rspawn would make it of qmail-remote's words. */
export function reportAt(verdict: Verdict, at: number, address: string): string {
  const recipient = verdict.recipients[at];
  if (recipient === undefined) return reportOf(verdict.message);
  // For one that was refused the message's fate is its own, not that of the others.
  const message = recipient.letter === 'r' ? verdict.message : givingUp(address);
  return reportOf(`${recipient.letter}${recipient.text}`, message);
}

/** qmail-rspawn's report of the reports that qmail-remote would write. */
export function reportOf(...reports: readonly string[]): string {
  const output = reports.map((report) => `${report.replaceAll('\0', '?')}\0`).join('');
  return remoteReport({ code: 0 }, output.replace(/[^\x00-\xff]/g, '?'));
}

/** True when the recipient at that place might have fared better alone. */
export function isDueToCompany(verdict: Verdict, at: number): boolean {
  if (verdict.lost !== 'no') return verdict.lost === 'early';
  const recipient = verdict.recipients[at];
  if (recipient === undefined) return false; // the sender was refused
  if (recipient.letter === 'r') return !verdict.message.startsWith('K');
  return recipient.doubtful && isAnyAccepted(verdict, at);
}

/**
 * The number of recipients that this server takes at once, if the verdict shows that there is such a
 * limit; else undefined.
 */
export function limitShownBy(verdict: Verdict): number | undefined {
  const { recipients, lost, stage } = verdict;
  if (lost === 'early' || stage === 'data') return 1;
  const accepted = recipients.findIndex(({ doubtful }) => doubtful);
  if (accepted < 0 || !isAnyAccepted(verdict, accepted)) return undefined;
  const later = recipients.slice(accepted).some(({ letter }) => letter === 'r');
  return later ? undefined : accepted;
}

/** A reused connection may have been the reason: the server left, or has had enough of it. */
export function isStale({ stage, lost, recipients }: Verdict): boolean {
  if (lost !== 'no') return lost === 'early';
  if (stage === 'recipients') return recipients.some(({ letter }) => letter === 's');
  return stage === 'sender' || stage === 'data';
}

function isAnyAccepted({ recipients }: Verdict, before: number): boolean {
  return recipients.slice(0, before).some(({ letter }) => letter === 'r');
}
