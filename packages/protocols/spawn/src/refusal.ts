// What a spawner answers by itself, before anybody is asked to deliver. The texts are qmail's: log
// parsers and postmasters know them.

import type { DeliveryCommand } from './command.ts';
import { MESSAGE_NAME_MAX } from './limits.ts';

export const REFUSAL = {
  memory: 'Zqmail-spawn out of memory. (#4.3.0)\n',
  slotNegative: 'ZInternal error: delnum negative. (#4.3.5)\n',
  slotTooBig: 'ZInternal error: delnum too big. (#4.3.5)\n',
  slotInUse: 'ZInternal error: delnum in use. (#4.3.5)\n',
  messageNonnumeric: 'DInternal error: messid has nonnumerics. (#5.3.5)\n',
  messageTooLong: 'DInternal error: messid too long. (#5.3.5)\n',
  messageTooShort: 'DInternal error: messid too short. (#5.3.5)\n',
  noHost: 'DSorry, address must include host name. (#5.1.3)\n',
  cannotOpen: 'Zqmail-spawn unable to open message. (#4.3.0)\n',
  cannotStat: 'Zqmail-spawn unable to fstat message. (#4.3.0)\n',
  wrongType: 'ZSorry, message has wrong type. (#4.3.5)\n',
  wrongOwner: 'ZSorry, message has wrong owner. (#4.3.5)\n',
  cannotPipe: 'Zqmail-spawn unable to create pipe. (#4.3.0)\n',
  cannotFork: 'Zqmail-spawn unable to fork. (#4.3.0)\n',
} as const;

/**
 * The report for a command that must not be tried, or undefined for a good one. `limit` is the number of
 * slots announced; `inUse` tells whether a slot's last delivery is still running.
 */
export function refusalOf(
  command: DeliveryCommand,
  limit: number,
  inUse: (slot: number) => boolean,
): string | undefined {
  if (command.slot >= limit) return REFUSAL.slotTooBig;
  if (inUse(command.slot)) return REFUSAL.slotInUse;
  if (command.overlong) return REFUSAL.memory;
  // Digits, and slashes anywhere but in front: the name is opened relative to queue/mess.
  if (/[^0-9/]|^\//.test(command.message)) return REFUSAL.messageNonnumeric;
  if (command.message.length + 1 > MESSAGE_NAME_MAX) return REFUSAL.messageTooLong;
  if (command.message === '') return REFUSAL.messageTooShort;
  if (!command.recipient.includes('@')) return REFUSAL.noHost;
  return undefined;
}
