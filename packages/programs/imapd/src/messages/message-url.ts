// URLs of messages and their parts on this very server, as CATENATE takes them (RFC 5092; RFC 4469, section 5.1; partial ones:
// RFC 5550, section 2.8, URL-PARTIAL). Those with a host name may be another server's, so they are none of ours.

import type { ByteRange, FetchSection } from '@q/imap';

export interface MessageUrl {
  /** Unicode. */
  readonly mailbox: string;
  readonly uidValidity: number | undefined;
  readonly uid: number;
  readonly section: FetchSection;
  readonly range: ByteRange | undefined;
}

/**
 * Undefined: no such URL. `selected`: the mailbox that a URL without one belongs to.
 *
 *     icommand  = ["/" enc-mailbox [";UIDVALIDITY=" nz-number]] "/;UID=" nz-number
 *                 ["/;SECTION=" enc-section] ["/;PARTIAL=" number ["." nz-number]]
 */
export function parseMessageUrl(url: string, selected: string | undefined): MessageUrl | undefined {
  const groups = URL_FORM.exec(url)?.groups;
  if (groups === undefined) return undefined;
  const mailbox = groups.mailbox === undefined ? selected : decoded(groups.mailbox);
  const uid = Number(groups.uid);
  const section = parseSection(groups.section === undefined ? '' : decoded(groups.section));
  if (mailbox === undefined || section === undefined || uid > NUMBER_MAX) return undefined;
  const { validity, offset, count } = groups;
  return {
    mailbox,
    uidValidity: validity === undefined ? undefined : Number(validity),
    uid,
    section,
    range:
      offset === undefined
        ? undefined
        : {
            offset: Number(offset),
            count: count === undefined ? Number.MAX_SAFE_INTEGER : Number(count),
          },
  };
}

const URL_FORM =
  /^(?:\/(?<mailbox>[^;/][^;]*?)(?:;UIDVALIDITY=(?<validity>[1-9][0-9]{0,9}))?)?\/?;UID=(?<uid>[1-9][0-9]{0,9})(?:\/?;SECTION=(?<section>[^/;]+))?(?:\/?;PARTIAL=(?<offset>[0-9]{1,15})(?:\.(?<count>[1-9][0-9]{0,14}))?)?$/i;
const NUMBER_MAX = 0xffff_ffff;

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text).normalize('NFC');
  } catch {
    return undefined;
  }
}

/** section-spec of FETCH (RFC 9051, section 9); "" is the whole message. */
function parseSection(text: string | undefined): FetchSection | undefined {
  const match = text === undefined ? null : SECTION_FORM.exec(text);
  if (match === null) return undefined;
  const part = match[1] === undefined ? [] : match[1].split('.').map(Number);
  const word = match[2]?.toUpperCase();
  if (word === undefined) return { part, text: 'all', fields: [] };
  if (word === 'MIME') return part.length === 0 ? undefined : { part, text: 'mime', fields: [] };
  if (word === 'HEADER' || word === 'TEXT')
    return { part, text: word === 'HEADER' ? 'header' : 'text', fields: [] };
  const fields = (match[3] ?? '').split(' ').filter((field) => field !== '');
  if (fields.length === 0) return undefined;
  return { part, text: word === 'HEADER.FIELDS' ? 'fields' : 'fields-not', fields };
}

const SECTION_FORM =
  /^(?:([1-9][0-9]{0,8}(?:\.[1-9][0-9]{0,8}){0,99})(?:\.(?=.)|$))?(?:(MIME|HEADER|TEXT|HEADER\.FIELDS(?:\.NOT)?)(?: \(([!-9;-~ ]+)\))?)?$/i;
