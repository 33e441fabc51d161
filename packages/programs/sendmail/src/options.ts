// sendmail's command line, as callers have always written it: one-letter options, grouped or with their
// value glued on or in the next word, up to the first other word or "--". sendmail(8).
//
//   word = "-" *flag [ letter value ]        ; "-oi", "-fann@example.org", "-f ann@example.org", "-tif x"

/** What a call asks for. Texts are as they came. */
export type Request =
  | { readonly job: 'list the queue' | 'speak SMTP' | 'make aliases' | 'nothing' }
  | {
      readonly job: 'send';
      /** Also to the recipients that the header names. */
      readonly headerRecipients: boolean;
      /** Envelope sender; '' is the null sender. */
      readonly sender?: string;
      /** The sender's full name. */
      readonly fullName?: string;
      readonly recipients: readonly string[];
    };

/** How an option's value is written, if it has one: anywhere, or glued on and optional. */
type Value = 'none' | 'needed' | 'glued';

interface Row {
  readonly letters: string;
  readonly value: Value;
  /** Without it the option is accepted and means nothing here. */
  readonly apply?: (draft: Draft, value: string) => Request['job'] | 'wrong' | undefined;
}

interface Draft {
  headerRecipients: boolean;
  sender?: string;
  fullName?: string;
}

const JOBS: Readonly<Record<string, Request['job']>> = {
  m: 'send',
  p: 'list the queue',
  s: 'speak SMTP',
  i: 'make aliases',
};

/** All options; a letter that is in no row is an error. */
const TABLE: readonly Row[] = [
  {
    letters: 't',
    value: 'none',
    apply: (draft) => {
      draft.headerRecipients = true;
      return undefined;
    },
  },
  {
    letters: 'fr', // -r is the older name
    value: 'needed',
    apply: (draft, value) => {
      draft.sender = withoutBrackets(value);
      return undefined;
    },
  },
  {
    letters: 'F',
    value: 'needed',
    apply: (draft, value) => {
      draft.fullName = value;
      return undefined;
    },
  },
  { letters: 'b', value: 'needed', apply: (_, value) => JOBS[value.charAt(0)] ?? 'wrong' },
  { letters: 'I', value: 'none', apply: () => 'make aliases' },
  // Run the queue: qmail-send does that all the time.
  { letters: 'q', value: 'glued', apply: () => 'nothing' },
  // One delivery mode, one error mode, no end of input but the end of input, 8-bit clean, no DSN.
  { letters: 'vimxncGU', value: 'none' },
  { letters: 'oepBNRVOLXAh', value: 'needed' },
  { letters: 'EJ', value: 'glued' }, // Sony NEWS-OS
];

/** Reads the words after the program's name; undefined when they are wrong. */
export function parseOptions(words: readonly string[]): Request | undefined {
  const draft: Draft = { headerRecipients: false };
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at] as string;
    if (word === '--') {
      at++;
      break;
    }
    if (!word.startsWith('-') || word === '-') break;
    const { job, took } = readWord(draft, word, words[at + 1]);
    if (job === 'wrong') return undefined;
    if (job !== 'send') return { job };
    at += took;
  }
  return { job: 'send', ...draft, recipients: words.slice(at) };
}

/** Applies one word's options; `took` is 1 when the next word was the value of the last. */
function readWord(
  draft: Draft,
  word: string,
  next: string | undefined,
): { job: Request['job'] | 'wrong'; took: 0 | 1 } {
  for (let i = 1; i < word.length; i++) {
    const row = TABLE.find(({ letters }) => letters.includes(word[i] as string));
    if (row === undefined) return { job: 'wrong', took: 0 };
    const rest = word.slice(i + 1);
    const separate = row.value === 'needed' && rest === '';
    if (separate && next === undefined) return { job: 'wrong', took: 0 };
    const value = separate ? (next as string) : rest;
    const job = row.apply?.(draft, value) ?? 'send';
    if (job !== 'send') return { job, took: 0 };
    if (row.value !== 'none') return { job, took: separate ? 1 : 0 };
  }
  return { job: 'send', took: 0 };
}

/** "<a@b>" and "<>" are how vacation programs and others write a sender; no address begins so. */
function withoutBrackets(sender: string): string {
  return sender.startsWith('<') && sender.endsWith('>') ? sender.slice(1, -1) : sender;
}
