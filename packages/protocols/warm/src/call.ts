// What goes between a caller and a warm worker, which is a program that has been started before it is needed:
//
//   worker → caller   ready  = OCTET 87                   ; "W", once: "I am a worker"
//   caller → worker   call   = JSON                       ; {"args": [...], "env": {...}}, one message each
//   worker → caller   answer = code flags length output   ; the exit code, one octet
//   flags             = OCTET                             ; FLAGS below
//   length            = 2OCTET                            ; of the output, high one first
//
// Calls go over a socket that keeps messages apart, with their open files (SCM_RIGHTS): three, which become fd 0, 1
// and 2; or one or none, the input. A call with three is alone in the worker. Without fd 1 and 2 of its own, what it
// prints is the answer's output, and others of its kind may be under way at the same time. One that turns out to
// need the three has done nothing and says so. Answers come in the order of the calls. The worker's descriptors:
//
//   0 1 2   /dev/null, and during a call with three files these
//   3       ready and answers
//   4       calls
//
// A worker that is gone without an answer has crashed; after the end of its calls it goes.
//
// Example: W, then {"args":["joe","/home/joe"]} with one file, then <00 01 00 0b> did 1+0+0 LF

export const ANSWERS_FD = 3;
export const CALLS_FD = 4;
/** Open files of a call that has all. */
export const FILES = 3;
export const READY_BYTE = 87;
/** Bytes of an answer before its output. */
const ANSWER_HEAD = 4;
/** Bytes of an answer's output. */
export const OUTPUT_MAX = 65_535;

export const FLAGS = {
  /** Another call may be made. */
  more: 1,
  /** Nothing was done: the call needs its three files. */
  files: 2,
  /** The call had three files, and one would have done. */
  plain: 4,
} as const;

const ALL_FLAGS = FLAGS.more | FLAGS.files | FLAGS.plain;

export interface Call {
  readonly args: readonly string[];
  /** Instead of the worker's own environment. */
  readonly env?: Readonly<NodeJS.ProcessEnv> | undefined;
}

export function encodeCall({ args, env }: Call): Buffer {
  return Buffer.from(JSON.stringify({ args, env }));
}

export function decodeCall(bytes: Buffer): Call {
  return JSON.parse(bytes.toString()) as Call;
}

export interface Answer {
  readonly code: number;
  readonly flags: number;
  /** Latin1 text. */
  readonly output: string;
}

export function encodeAnswer({ code, flags, output }: Answer): Buffer {
  const text = output.length > OUTPUT_MAX ? output.slice(0, OUTPUT_MAX) : output;
  const bytes = Buffer.allocUnsafe(ANSWER_HEAD + text.length);
  bytes[0] = code & 0xff;
  bytes[1] = flags;
  bytes.writeUInt16BE(text.length, 2);
  bytes.write(text, ANSWER_HEAD, 'latin1');
  return bytes;
}

/** Reads answers from chunks that may be cut anywhere; holds one answer at most. */
export class AnswerDecoder {
  #held: Buffer = Buffer.alloc(0);

  /** The bytes may change afterwards. Throws RangeError for what is no answer. */
  push(chunk: Buffer): Answer[] {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const answers: Answer[] = [];
    let at = 0;
    while (bytes.length - at >= ANSWER_HEAD) {
      const flags = bytes[at + 1] as number;
      if ((flags & ~ALL_FLAGS) !== 0) throw new RangeError('not an answer');
      const end = at + ANSWER_HEAD + bytes.readUInt16BE(at + 2);
      if (end > bytes.length) break;
      const output = bytes.toString('latin1', at + ANSWER_HEAD, end);
      answers.push({ code: bytes[at] as number, flags, output });
      at = end;
    }
    this.#held = Buffer.from(bytes.subarray(at));
    return answers;
  }
}
