// FETCH's items that are a line of text (RFC 9051, section 7.5.2; the extensions as named in @q/imap's fetch-item.ts).

import { textOf } from '@q/bytes';
import {
  envelopeText,
  type FetchItem,
  formatDateTime,
  structureText,
  type WireMode,
  wireString,
} from '@q/imap';
import type { MessageFacts } from '@q/mail-cache';
import type { FolderMessage } from '@q/mailbox';
import type { Message } from '@q/mime';
import { flagsText } from './flags.ts';
import type { Loaded } from './loaded.ts';
import { renderedEnvelope, renderedStructure } from './rendering.ts';

/** Items whose value is a section of the message, or is counted in its file. */
export type LiteralItem =
  | Extract<FetchItem, { kind: 'section' }>
  | Extract<FetchItem, { kind: 'BINARY' }>
  | Extract<FetchItem, { kind: 'BINARY.SIZE' }>
  | { readonly kind: 'RFC822' | 'RFC822.HEADER' | 'RFC822.TEXT' };

export function isLiteralItem(item: FetchItem): item is LiteralItem {
  switch (item.kind) {
    case 'section':
    case 'BINARY':
    case 'BINARY.SIZE':
    case 'RFC822':
    case 'RFC822.HEADER':
    case 'RFC822.TEXT':
      return true;
    default:
      return false;
  }
}

/** "NAME value" of an item that is no literal. What the plan said it needs is in `loaded`. */
export function itemText(
  item: Pick<FetchItem, 'kind'>,
  message: FolderMessage,
  recent: boolean,
  loaded: Loaded,
  mode: WireMode,
): string {
  switch (item.kind) {
    case 'UID':
      return `UID ${message.uid}`;
    case 'FLAGS':
      return `FLAGS (${flagsText(message, recent)})`;
    case 'MODSEQ':
      return `MODSEQ (${message.modseq})`;
    case 'INTERNALDATE':
      return `INTERNALDATE "${dateText(factsOf(loaded).time)}"`;
    case 'RFC822.SIZE':
      return `RFC822.SIZE ${factsOf(loaded).crlfSize}`;
    case 'ENVELOPE':
      return `ENVELOPE ${
        loaded.rendering === undefined
          ? envelopeText(factsOf(loaded).envelope, mode)
          : renderedEnvelope(loaded.rendering)
      }`;
    case 'BODY':
      return `BODY ${structureText(structureOf(loaded).root, false, mode)}`;
    case 'BODYSTRUCTURE':
      return `BODYSTRUCTURE ${
        loaded.rendering === undefined
          ? structureText(structureOf(loaded).root, true, mode)
          : renderedStructure(loaded.rendering)
      }`;
    case 'EMAILID':
      return `EMAILID (${factsOf(loaded).emailId})`;
    case 'THREADID':
      return `THREADID (${factsOf(loaded).threadId})`;
    case 'SAVEDATE':
      return `SAVEDATE "${dateText(factsOf(loaded).saved)}"`;
    case 'PREVIEW':
      return `PREVIEW ${previewText(loaded, mode)}`;
    case 'SNIPPET':
      return `SNIPPET (FUZZY ${previewText(loaded, mode)})`;
    default:
      throw new Error(`${item.kind} is no text`);
  }
}

function previewText({ preview = '' }: Loaded, mode: WireMode): string {
  return wireString(textOf(Buffer.from(preview, 'utf8')), mode);
}

/** Messages that came together are sent together: of most the day is that of the one before. */
let lastDay = Number.NaN;
let lastDayText = '';

/** As formatDateTime() for UTC. */
function dateText(milliseconds: number): string {
  const day = Math.floor(milliseconds / DAY);
  if (day !== lastDay) {
    lastDay = day;
    lastDayText = formatDateTime({ milliseconds, zone: 0 }).slice(0, '12-Nov-2026 '.length);
  }
  const seconds = Math.floor((milliseconds - day * DAY) / 1000);
  const hours = TWO_DIGITS[Math.floor(seconds / 3600)];
  return `${lastDayText}${hours}:${TWO_DIGITS[Math.floor(seconds / 60) % 60]}:${TWO_DIGITS[seconds % 60]} +0000`;
}

const DAY = 86_400_000;
const TWO_DIGITS: readonly string[] = Array.from({ length: 60 }, (_, i) =>
  String(i).padStart(2, '0'),
);

function factsOf({ facts }: Loaded): MessageFacts {
  if (facts === undefined) throw new Error('an item without its facts');
  return facts;
}

function structureOf({ structure }: Loaded): Message {
  if (structure === undefined) throw new Error('an item without its structure');
  return structure;
}
