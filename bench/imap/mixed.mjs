// Clients that all work on one mailbox at the same time, each on its own list of commands: drawn once, from a seed, so that
// every server gets the same. UIDs name the messages: what a number means depends on who was faster.
import { generator, plainMessage } from './mailboxes.mjs';

/** A share of the commands for each kind, and what it is; a mailbox of `count` messages that others change meanwhile. */
const KINDS = [
  [10, () => 'NOOP'],
  [3, (_, { mailbox }) => `SELECT ${mailbox}`],
  [15, (draw, { count }) => `UID FETCH ${range(draw, count, 100)} (FLAGS)`],
  [2, () => 'FETCH 1:* (UID FLAGS)'],
  [15, (draw, { count }) => `UID FETCH ${some(draw, count, 3)} BODY.PEEK[]`],
  [5, (draw, { count }) => `UID FETCH ${some(draw, count, 1)} BODY[]`],
  [
    15,
    (draw, { count }) =>
      `UID FETCH ${range(draw, count, 25)} (ENVELOPE BODY.PEEK[HEADER.FIELDS (From To Subject Date)])`,
  ],
  [
    12,
    (draw, { count }) =>
      `UID STORE ${some(draw, count, 3)} ${oneOf(draw, ['+FLAGS', '-FLAGS', '+FLAGS.SILENT'])} (${oneOf(draw, ['\\Seen', '\\Flagged', '\\Answered'])})`,
  ],
  [6, (draw) => `UID SEARCH ${oneOf(draw, ['UNSEEN', 'FLAGGED', 'FROM "person77"'])}`],
  [6, (_, { mailbox }) => ({ append: mailbox })],
  [4, (draw, { count, other }) => `UID COPY ${range(draw, count, 5)} ${other}`],
  [4, (draw, { count }) => `UID STORE ${some(draw, count, 1)} +FLAGS.SILENT (\\Deleted)`],
  [3, () => 'EXPUNGE'],
];

/** The commands of client `number`: `length` of them, as text or { append }. */
export function commandsOf(number, length, about) {
  const random = generator(1000 + number);
  const draw = (below) => Math.floor(random() * below);
  const whole = KINDS.reduce((sum, [share]) => sum + share, 0);
  return Array.from({ length }, () => {
    let at = draw(whole);
    const [, make] = KINDS.find(([share]) => {
      at -= share;
      return at < 0;
    });
    return make(draw, about);
  });
}

/** A client with its mailbox selected, ready to work through `commands`. */
export class MixedClient {
  #open;
  #mailbox;
  #session;
  #message = plainMessage(2000);

  constructor(open, mailbox) {
    this.#open = open;
    this.#mailbox = mailbox;
  }

  async begin() {
    this.#session = await this.#open();
    await this.#session.run(`SELECT ${this.#mailbox}`);
  }

  /** `told(error)` after each command; an answer that is not OK is its error. Who was hung up on comes back. */
  async work(commands, told) {
    for (const command of commands) {
      try {
        if (this.#session === undefined) await this.begin();
        await (typeof command === 'string'
          ? this.#session.run(command)
          : this.#session.append(command.append, this.#message));
        told(undefined);
      } catch (error) {
        told(error);
        if (this.#session?.isOver !== false) this.close();
      }
    }
  }

  close() {
    this.#session?.close();
    this.#session = undefined;
  }
}

/** Up to `most` neighbouring UIDs. */
function range(draw, count, most) {
  const first = 1 + draw(count);
  return `${first}:${Math.min(count, first + draw(most))}`;
}

/** Up to `most` UIDs from anywhere. */
function some(draw, count, most) {
  return Array.from({ length: 1 + draw(most) }, () => 1 + draw(count)).join(',');
}

function oneOf(draw, list) {
  return list[draw(list.length)];
}
