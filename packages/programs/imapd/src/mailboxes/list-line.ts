// The LIST and LSUB responses (RFC 9051, section 7.3.1).

import type { Session } from '../session.ts';

export interface ListLine {
  readonly name: string;
  readonly separator: string;
  readonly attributes: readonly string[];
  /** CHILDINFO: the selection options that something below it meets (RFC 5258, section 3.5). */
  readonly childInfo?: readonly string[];
  /** OLDNAME (RFC 9051, section 6.3.9.7). */
  readonly oldName?: string;
}

/**
 *     mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox [SP mbox-list-extended]
 */
export function tellList(session: Session, line: ListLine, kind: 'LIST' | 'LSUB' = 'LIST'): void {
  const { name, separator, attributes, childInfo, oldName } = line;
  const extended: string[] = [];
  if (childInfo !== undefined)
    extended.push(`"CHILDINFO" (${childInfo.map((option) => `"${option}"`).join(' ')})`);
  if (oldName !== undefined) extended.push(`"OLDNAME" (${session.mailboxText(oldName)})`);
  const tail = extended.length === 0 ? '' : ` (${extended.join(' ')})`;
  session.untagged(
    `${kind} (${attributes.join(' ')}) "${separator}" ${session.mailboxText(name)}${tail}`,
  );
}
