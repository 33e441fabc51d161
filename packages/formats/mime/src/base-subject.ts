// The base subject of RFC 5256, 2.1: what is left of a subject without "Re:", "Fwd:", "[list]" and "(fwd)".
//
//   subj-fwd-hdr  = "[fwd:"          ; with a "]" at the end
//   subj-leader   = ( *subj-blob subj-refwd ) / WSP
//   subj-refwd    = ( "re" / ( "fw" [ "d" ] ) ) *WSP [ subj-blob ] ":"
//   subj-blob     = "[" *BLOBCHAR "]" *WSP        ; no brackets within
//   subj-trailer  = "(fwd)" / WSP

import { decodeHeader } from './encoded-word.ts';
import { SUBJECT_MAX } from './limits.ts';

export interface BaseSubject {
  readonly text: string;
  /** Something of a reply or a forwarded message was removed: THREAD=REFERENCES asks for it. */
  readonly isReply: boolean;
}

/** The base subject of a subject field, latin1 as an envelope has it. Takes linear time. */
export function baseSubject(subject: string): BaseSubject {
  // Most subjects are words behind at most one "Re: ".
  const plain = subject.length <= SUBJECT_MAX ? PLAIN.exec(subject) : null;
  if (plain !== null) return { text: plain[2] ?? '', isReply: plain[1] !== undefined };
  // Step 1: decoded, with runs of blanks as one.
  let text = decodeHeader(subject.slice(0, SUBJECT_MAX)).replace(/[ \t\r\n]+/g, ' ');
  let isReply = false;
  for (;;) {
    const untrailed = withoutTrailers(text); // step 2
    const start = leadersEnd(untrailed.text); // steps 3 to 5
    isReply ||= untrailed.removed || start.isReply;
    text = untrailed.text.slice(start.at);
    // Step 6.
    if (!FORWARD_HEADER.test(text) || !text.endsWith(']')) return { text, isReply };
    text = text.slice('[fwd:'.length, -1);
    isReply = true;
  }
}

function withoutTrailers(text: string): { text: string; removed: boolean } {
  let end = text.length;
  let removed = false;
  for (;;) {
    if (text[end - 1] === ' ') {
      end--;
    } else if (end >= 5 && text.slice(end - 5, end).toLowerCase() === '(fwd)') {
      end -= 5;
      removed = true;
    } else {
      return { text: text.slice(0, end), removed };
    }
  }
}

/**
 * Where the subject begins behind its leaders and blobs. RFC 5256 takes away a leader, then one blob if something is
 * left, and begins again. Where no "re:" follows a run of blobs, none will after its first is gone: the run goes at
 * once, but for the last blob when nothing is behind it.
 */
function leadersEnd(text: string): { at: number; isReply: boolean } {
  let at = 0;
  let isReply = false;
  for (;;) {
    while (text[at] === ' ') at++;
    const ends = blobEnds(text, at);
    const behind = ends.at(-1) ?? at;
    const reply = match(REPLY, text, behind);
    if (reply > behind) {
      at = reply;
      isReply = true;
      continue;
    }
    if (behind === text.length) ends.pop();
    return { at: ends.at(-1) ?? at, isReply };
  }
}

/** The ends of the blobs that stand one behind another from `at` on. */
function blobEnds(text: string, at: number): number[] {
  const ends: number[] = [];
  for (let start = at; ; ) {
    const end = match(BLOB, text, start);
    if (end === start) return ends;
    ends.push(end);
    start = end;
  }
}

function match(expression: RegExp, text: string, at: number): number {
  expression.lastIndex = at;
  return expression.test(text) ? expression.lastIndex : at;
}

/** Printable ASCII without colons, brackets, "=" and runs of blanks: nothing else in it means anything. */
const PLAIN = /^(re: )?([!-')-9;<>-Z\\^-~]+(?: [!-')-9;<>-Z\\^-~]+)*)$/i;
const BLOB = /\[[^[\]]*\] */y;
const REPLY = /(?:re|fwd?) *(?:\[[^[\]]*\] *)?:/iy;
const FORWARD_HEADER = /^\[fwd:/i;
