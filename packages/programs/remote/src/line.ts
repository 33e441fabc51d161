// A connection on which messages can be sent, whatever the protocol.

import type { Connection } from './connection.ts';
import type { RemoteMessage } from './envelope.ts';
import { RESET_SECONDS } from './limits.ts';
import { sendByQmtp } from './qmtp-transaction.ts';
import type { SmtpConnection } from './smtp-connection.ts';
import { sendBySmtp } from './smtp-transaction.ts';
import type { Verdict } from './verdict.ts';

export interface Line {
  /** The server's. */
  readonly address: string;
  /** Sends one message. Throws what nobody foresaw only. */
  send(message: RemoteMessage): Promise<Verdict>;
  /** Clears an unfinished transaction; true if the line is then ready for a message. */
  reset(): Promise<boolean>;
  /** Calls `onEvent` if the server stirs while nothing is sent; undefined when it has already. */
  watch(onEvent: () => void): (() => void) | undefined;
  /** Ends it politely. Never throws. */
  quit(): Promise<void>;
  close(): void;
}

export function smtpLine(connection: SmtpConnection): Line {
  const { wire } = connection;
  return {
    address: wire.address,
    send: (message) => sendBySmtp(connection, message),
    reset: async () => {
      try {
        return (await connection.command('RSET', RESET_SECONDS)).code === 250;
      } catch {
        return false;
      }
    },
    watch: (onEvent) => (connection.quiet ? wire.watch(onEvent) : undefined),
    quit: () => connection.quit(),
    close: () => wire.close(),
  };
}

export function qmtpLine(wire: Connection): Line {
  return {
    address: wire.address,
    send: (message) => sendByQmtp(wire, message),
    reset: async () => false,
    watch: () => undefined,
    quit: () => wire.end(''),
    close: () => wire.close(),
  };
}

/** After the last message: politely, unless half a message is on its way, of which QUIT would become a part. */
export async function hangUp(line: Line, { stage, connection }: Verdict): Promise<void> {
  if (stage === 'content' && connection === 'over') line.close();
  else await line.quit();
}
