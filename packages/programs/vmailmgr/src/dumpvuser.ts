// dumpvuser: all of a user's record in a virtual domain. dumpvuser(1).

import { asciiLower } from '@q/bytes';
import { type Invocation, mailText } from '@q/proc';
import { withTable } from '@q/vmail-domain';
import { UNLIMITED, type VirtualUser } from '@q/vmailmgr';
import { jsonLine, limitOrNull } from './json.ts';
import { runTool } from './tool.ts';

/** Exit code 0, or 1 when there is no such user. */
export function dumpvuserMain(invocation: Invocation): Promise<number> {
  return runTool('dumpvuser', invocation, (tool) => {
    const name = asciiLower(mailText(invocation.args[0] ?? ''));
    const user = withTable(tool.domain, (table) => table.get(name));
    if (user === undefined) {
      tool.complain('No such user');
      return false;
    }
    tool.output.out(invocation.options.json === true ? asJson(name, user) : asText(name, user));
    return true;
  });
}

function asText(name: string, user: VirtualUser): string {
  const lines = [
    `Name: ${name}`,
    `Encrypted-Password: ${user.password}`,
    `Directory: ${user.directory}`,
    ...user.forwards.map((address) => `Forward: ${address}`),
    `Hard-Quota: ${number(user.hardQuota)}`,
    `Soft-Quota: ${number(user.softQuota)}`,
    `Message-Size-Limit: ${number(user.messageSize)}`,
    `Message-Count-Limit: ${number(user.messageCount)}`,
    `Creation-Time: ${number(user.created)}`,
    `Expiry-Time: ${number(user.expiry)}`,
    `Has-Mailbox: ${user.hasMailbox}`,
    `Mailbox-Enabled: ${user.mailboxEnabled}`,
  ];
  return `${lines.join('\n')}\n`;
}

function number(value: number): string {
  return value === UNLIMITED ? 'N/A' : String(value);
}

function asJson(name: string, user: VirtualUser): string {
  return jsonLine({
    name,
    password: user.password,
    directory: user.directory,
    forwards: user.forwards,
    personal: user.personal,
    hardQuota: limitOrNull(user.hardQuota),
    softQuota: limitOrNull(user.softQuota),
    messageSize: limitOrNull(user.messageSize),
    messageCount: limitOrNull(user.messageCount),
    created: user.created,
    expiry: limitOrNull(user.expiry),
    hasMailbox: user.hasMailbox,
    mailboxEnabled: user.mailboxEnabled,
  });
}
