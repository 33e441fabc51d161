// The way to the system's log: datagrams to a unix socket, in the form of RFC 3164 that syslog(3) uses.
//
//   message = "<" facility*8+priority ">" "Mmm dd hh:mm:ss" SP tag ": " text        ; local time, day padded with a blank
//
// Example: <22>Nov  2 04:46:53 qmail: 1130000000.123456 status: local 0/10 remote 0/20

import { closeSync, writeSync } from 'node:fs';
import { errnoText } from '@q/fault';
import type { Log } from '@q/log';
import { connectDatagram } from '@q/posix';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

export interface SyslogOptions {
  /** The socket of the syslog daemon. */
  readonly path: string;
  readonly tag: string;
  /** As syslog(3) counts them: 2 is mail. */
  readonly facility: number;
  /** Told once when the daemon is gone, and once when it is back. */
  readonly log: Log;
}

/**
 * Sends messages, and never fails: a program that waits for its log stops, and with it the mail. A
 * message is lost while no daemon listens; one that is slow is waited for.
 */
export class Syslog {
  readonly #options: SyslogOptions;
  #fd: number | undefined;
  #lost = false;

  constructor(options: SyslogOptions) {
    this.#options = options;
  }

  send(priority: number, text: string): void {
    const { facility, tag } = this.#options;
    const head = `<${facility * 8 + priority}>${timeText(new Date())} ${tag}: `;
    const message = Buffer.from(head + text, 'latin1');
    // A daemon that was started anew has another socket: the old one refuses.
    const trouble = this.#try(message) && this.#try(message);
    if (trouble !== undefined && !this.#lost)
      this.#options.log(`warning: lines are lost: ${trouble}`);
    if (trouble === undefined && this.#lost) this.#options.log('lines are logged again');
    this.#lost = trouble !== undefined;
  }

  /** What went wrong, or undefined. */
  #try(message: Buffer): string | undefined {
    try {
      this.#fd ??= connectDatagram(this.#options.path);
      writeSync(this.#fd, message);
      return undefined;
    } catch (error) {
      if (this.#fd !== undefined) closeSync(this.#fd);
      this.#fd = undefined;
      return errnoText(error);
    }
  }
}

function timeText(time: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const day = String(time.getDate()).padStart(2, ' ');
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  return `${MONTHS[time.getMonth()]} ${day} ${clock}`;
}
