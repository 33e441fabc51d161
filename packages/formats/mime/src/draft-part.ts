// A part while its end is not known yet.

import { contentOf, PLAIN_TEXT } from './content.ts';
import { envelopeOf } from './envelope.ts';
import {
  type Budget,
  CONTENT_FIELDS,
  FieldCollector,
  type Fields,
  MESSAGE_FIELDS,
} from './field-collector.ts';
import { BOUNDARY_MAX, DEPTH_MAX } from './limits.ts';
import { type Mark, spanOf } from './line-counter.ts';
import type { Content, Envelope, Part, Span } from './message.ts';

export class DraftPart {
  readonly collector: FieldCollector;
  readonly #start: Mark;
  /** Parts around it and itself. */
  readonly #depth: number;
  readonly #inDigest: boolean;
  readonly #isMessageRoot: boolean;
  #content: Content | undefined;
  #envelope: Envelope | undefined;
  #bodyStart: Mark | undefined;
  /** The boundary of a multipart, the latin1 text of its bytes. */
  #boundary: string | undefined;
  readonly #children: Part[] = [];

  constructor(start: Mark, depth: number, role: 'root' | 'part' | 'digest part', budget: Budget) {
    this.#start = start;
    this.#depth = depth;
    this.#inDigest = role === 'digest part';
    this.#isMessageRoot = role === 'root';
    this.collector = new FieldCollector(this.#isMessageRoot ? ROOT_FIELDS : PART_FIELDS, budget);
  }

  get bodyStart(): Mark | undefined {
    return this.#bodyStart;
  }

  get boundary(): string | undefined {
    return this.#boundary;
  }

  /** Its body is a message, whose header comes next. */
  get holdsMessage(): boolean {
    return this.#content !== undefined && isMessageType(this.#content);
  }

  get isMultipart(): boolean {
    return this.#boundary !== undefined;
  }

  get isDigest(): boolean {
    return this.isMultipart && this.#content?.subtype === 'digest';
  }

  /** The header is over: what kind of part this is gets known. Gives the fields. */
  endHeader(mark: Mark): Fields {
    this.#bodyStart = mark;
    const fields = this.collector.fields();
    const content = contentOf(fields, this.#inDigest);
    const mayHold = this.#depth < DEPTH_MAX;
    if (mayHold && content.type === 'multipart') this.#boundary = boundaryOf(content);
    const isOpaque =
      (content.type === 'multipart' && !this.isMultipart) || (isMessageType(content) && !mayHold);
    this.#content = isOpaque ? { ...content, ...PLAIN_TEXT } : content;
    if (this.#isMessageRoot) this.#envelope = envelopeOf(fields);
    return fields;
  }

  add(child: Part): void {
    this.#children.push(child);
  }

  /** The part that ends at `end`; its header must be over. */
  finish(end: Mark): Part {
    const content = this.#content as Content;
    const bodyStart = this.#bodyStart as Mark;
    // Filled in place: an object made of others by spreading takes longer than all else that is done for a part.
    const part: Building = content;
    part.header = spanOf(this.#start, bodyStart);
    part.body = spanOf(bodyStart, end);
    if (this.#envelope !== undefined) part.envelope = this.#envelope;
    const [child] = this.#children;
    if (child === undefined) {
      if (this.isMultipart || this.holdsMessage) Object.assign(part, PLAIN_TEXT);
      part.kind = 'leaf';
    } else if (this.isMultipart) {
      part.kind = 'multipart';
      part.parts = this.#children;
    } else {
      part.kind = 'message';
      part.message = child;
    }
    return part as Part;
  }
}

/** A Part whose properties come one by one. */
interface Building extends Content {
  header?: Span;
  body?: Span;
  envelope?: Envelope;
  kind?: Part['kind'];
  parts?: readonly Part[];
  message?: Part;
}

function isMessageType(content: Content): boolean {
  return (
    content.type === 'message' && (content.subtype === 'rfc822' || content.subtype === 'global')
  );
}

/** RFC 2046, 5.1.1: blanks at the end cannot be part of one. */
function boundaryOf(content: Content): string | undefined {
  const [, value = ''] = content.parameters.find(([name]) => name === 'boundary') ?? [];
  let end = value.length;
  while (value[end - 1] === ' ' || value[end - 1] === '\t') end--;
  const boundary = value.slice(0, end);
  return boundary === '' || boundary.length > BOUNDARY_MAX ? undefined : boundary;
}

const PART_FIELDS: ReadonlySet<string> = new Set(CONTENT_FIELDS);
const ROOT_FIELDS: ReadonlySet<string> = new Set([...CONTENT_FIELDS, ...MESSAGE_FIELDS]);
