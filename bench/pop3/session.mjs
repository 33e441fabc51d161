// A POP3 client that does little itself: it counts bytes and finds the ends of answers.
import { connect } from 'node:net';

const LF = 10;
const PLUS = 43;
const END = Buffer.from('\r\n.\r\n');
const READ_SIZE = 65_536;

export class Session {
  #socket;
  #waiting = [];
  /** In the first line of an answer, or in the lines that follow it. */
  #inLines = false;
  #first = true;
  #tail = Buffer.alloc(0);
  bytes = 0;

  constructor(port, { noDelay = true } = {}) {
    const buffer = Buffer.allocUnsafe(READ_SIZE);
    const callback = (count) => {
      this.#arrived(buffer.subarray(0, count));
      return true;
    };
    this.#socket = connect({ port, host: '127.0.0.1', noDelay, onread: { buffer, callback } });
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('the server has hung up')));
  }

  /** Connects, and logs in. */
  static async open(port, user, password, options) {
    const session = new Session(port, options);
    await session.answer();
    await session.say(`USER ${user}`);
    await session.say(`PASS ${password}`);
    return session;
  }

  /** Sends a command; resolves at the end of its one-line answer. */
  say(command) {
    this.send(`${command}\r\n`);
    return this.answer();
  }

  /** The same for an answer of many lines. */
  ask(command) {
    this.send(`${command}\r\n`);
    return this.answer(true);
  }

  send(text) {
    this.#socket.write(text, 'latin1');
  }

  /** The next answer, whatever was asked. Rejects if it is an error. */
  answer(lines = false) {
    return new Promise((resolve, reject) => this.#waiting.push({ lines, resolve, reject }));
  }

  async quit() {
    await this.say('QUIT');
    this.close();
  }

  close() {
    this.#waiting = [];
    this.#socket.destroy();
  }

  #arrived(chunk) {
    this.bytes += chunk.length;
    let rest = chunk;
    while (rest.length > 0 && this.#waiting.length > 0)
      rest = this.#inLines ? this.#lines(rest) : this.#line(rest);
  }

  #line(bytes) {
    const wanted = this.#waiting[0];
    if (this.#first && bytes[0] !== PLUS) {
      this.#fail(new Error(`the server says ${bytes.toString('latin1', 0, 200)}`));
      return bytes.subarray(bytes.length);
    }
    const end = bytes.indexOf(LF);
    this.#first = end >= 0;
    if (end < 0) return bytes.subarray(bytes.length);
    if (wanted.lines) {
      this.#inLines = true;
      this.#tail = END.subarray(0, 2); // the end of the first line: nothing may follow it but the last dot
    } else this.#waiting.shift().resolve();
    return bytes.subarray(end + 1);
  }

  #lines(bytes) {
    const seam = Buffer.concat([this.#tail, bytes.subarray(0, END.length - 1)]);
    const atSeam = seam.indexOf(END);
    const at = atSeam >= 0 ? atSeam - this.#tail.length : bytes.indexOf(END);
    if (atSeam < 0 && at < 0) {
      this.#tail = Buffer.concat([this.#tail, bytes.subarray(-END.length)]).subarray(
        1 - END.length,
      );
      return bytes.subarray(bytes.length);
    }
    this.#inLines = false;
    this.#waiting.shift().resolve();
    return bytes.subarray(at + END.length);
  }

  #fail(error) {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
