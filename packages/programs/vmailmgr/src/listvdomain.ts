// listvdomain: the records of a virtual domain, one line each. listvdomain(1).

import { asciiLower, textOf } from '@q/bytes';
import { type Invocation, mailText } from '@q/proc';
import { withTable } from '@q/vmail-domain';
import { decodeRecord, type Table, type VirtualUser } from '@q/vmailmgr';
import { jsonLine } from './json.ts';
import { runTool, type Tool } from './tool.ts';

const HEADING = 'User Mailbox Aliases\n';
/** Characters written at once: a table of 100,000 users is listed in some dozen writes. */
const BATCH = 65_536;

interface Listing {
  wanted(user: VirtualUser): boolean;
  readonly heading: string;
  lineOf(name: string, user: VirtualUser): string;
}

/** Exit code 0, or 1 when a named user does not exist or a record cannot be read. */
export function listvdomainMain(invocation: Invocation): Promise<number> {
  return runTool('listvdomain', invocation, (tool) => {
    const { aliases, users } = invocation.options;
    if (aliases === true && users === true) {
      tool.insist('specify only one of -a and -u');
      return false;
    }
    const json = invocation.options.json === true;
    const listing: Listing = {
      wanted: (user) => (user.hasMailbox ? aliases : users) !== true,
      heading: json ? '' : HEADING,
      lineOf: json ? jsonOf : lineOf,
    };
    const names = invocation.args.map(mailText);
    return withTable(tool.domain, (table) => {
      if (names.length === 0) return listAll(tool, table, listing);
      tool.output.out(listing.heading);
      return names.map((name) => listOne(tool, table, name, listing)).every((found) => found);
    });
  });
}

/** An unreadable record is said and passed over: the others are worth listing. */
function listAll(tool: Tool, table: Table, listing: Listing): boolean {
  let good = true;
  let batch = listing.heading;
  for (const [key, record] of table.records()) {
    try {
      const user = decodeRecord(record);
      if (listing.wanted(user)) batch += listing.lineOf(textOf(key), user);
    } catch (error) {
      tool.complain(`user '${textOf(key)}': ${(error as Error).message}`, textOf(key));
      good = false;
    }
    if (batch.length < BATCH) continue;
    tool.output.out(batch);
    batch = '';
  }
  tool.output.out(batch);
  return good;
}

function listOne(tool: Tool, table: Table, name: string, listing: Listing): boolean {
  const user = table.get(name);
  if (user === undefined) {
    tool.complain(`unknown user '${name}'`, name);
    return false;
  }
  if (listing.wanted(user)) tool.output.out(listing.lineOf(asciiLower(name), user));
  return true;
}

function lineOf(name: string, user: VirtualUser): string {
  const mailbox = user.hasMailbox ? 'Yes' : 'No';
  const disabled = user.mailboxEnabled ? '' : '(disabled)';
  return `${[name, `${mailbox}${disabled}`, ...user.forwards].join(' ')}\n`;
}

function jsonOf(name: string, user: VirtualUser): string {
  const { hasMailbox: mailbox, mailboxEnabled: enabled, forwards } = user;
  return jsonLine({ name, mailbox, enabled, forwards });
}
