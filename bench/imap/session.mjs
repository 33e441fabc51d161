// An IMAP client that does little itself: it counts bytes and finds the ends of answers.
import { connect } from 'node:net';

const READ_SIZE = 262_144;

export class Session {
  #socket;
  #waiting;
  #tail = Buffer.alloc(0);
  #trouble;
  /** A tag that no mail of the bench has at the beginning of a line. */
  #number = 0;

  constructor(port) {
    const buffer = Buffer.allocUnsafe(READ_SIZE);
    const callback = (count) => {
      this.#arrived(buffer.subarray(0, count));
      return true;
    };
    this.#socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: { buffer, callback },
    });
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('the server has hung up')));
  }

  /** Connects, and logs in. */
  static async open(port, user, password) {
    const session = new Session(port);
    await session.heard('* OK');
    await session.run(`LOGIN "${user}" "${password}"`);
    return session;
  }

  /** Sends a command; resolves to its status line. Rejects unless that is OK. */
  async run(command) {
    const tag = `zq${++this.#number}qz`;
    this.send(`${tag} ${command}\r\n`);
    return this.#answer(tag, command);
  }

  /** What the server offers, as it says after login. */
  async capabilities() {
    const tag = `zq${++this.#number}qz`;
    this.send(`${tag} CAPABILITY\r\n`);
    const line = await this.heard('* CAPABILITY ');
    await this.#answer(tag, 'CAPABILITY');
    return line.split(' ');
  }

  /** The server has hung up. */
  get isOver() {
    return this.#trouble !== undefined;
  }

  /** The end of an APPEND's answer, once the literal was asked for and sent. */
  async append(mailbox, message) {
    const tag = `zq${++this.#number}qz`;
    this.send(`${tag} APPEND ${mailbox} {${message.length}}\r\n`);
    await this.heard('+ ');
    this.send(`${message}\r\n`);
    return this.#answer(tag, 'APPEND');
  }

  async #answer(tag, command) {
    const line = await this.heard(`${tag} `);
    if (!line.startsWith(`${tag} OK`)) throw new Error(`${command}: ${line}`);
    return line;
  }

  /** Resolves to the next line that begins with `start`; what comes before is passed over. */
  heard(start) {
    if (this.#trouble !== undefined) return Promise.reject(this.#trouble);
    return new Promise((resolve, reject) => {
      this.#waiting = { start: Buffer.from(`\n${start}`, 'latin1'), resolve, reject };
      const held = this.#tail;
      this.#tail = Buffer.from('\n');
      if (held.length > 1) this.#arrived(held.subarray(held[0] === 10 ? 1 : 0));
    });
  }

  /** Resolves to the next line, at any distance, in which `word` stands. */
  async heardWord(word) {
    for (;;) {
      const line = await this.heard('* ');
      if (line.includes(word)) return line;
    }
  }

  send(text) {
    this.#socket.write(text, 'latin1');
  }

  close() {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #arrived(chunk) {
    const { start, resolve } = this.#waiting ?? {};
    const bytes = Buffer.concat([this.#tail, chunk]);
    const at = start === undefined ? -1 : bytes.indexOf(start);
    const end = at < 0 ? -1 : bytes.indexOf(10, at + start.length);
    if (end >= 0) {
      this.#waiting = undefined;
      this.#tail = Buffer.from(bytes.subarray(end));
      resolve(bytes.toString('latin1', at + 1, end).trimEnd());
      return;
    }
    // Without anybody waiting all is kept: it is a line or two.
    const keep =
      at >= 0 || start === undefined ? bytes.subarray(Math.max(at, 0)) : bytes.subarray(-64);
    this.#tail = Buffer.from(keep);
  }

  #fail(error) {
    this.#trouble ??= error;
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}
