// A QMTP server that gives the answers it is told to, for tests.

import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { bytesOf, encodeNetstring, NetstringDecoder, textOf } from '@q/bytes';

/** An answer for each recipient; or "close", or any other words instead of answers. Fewer: then it hangs up. */
export type QmtpScript = readonly string[] | string;

interface QmtpMessage {
  readonly content: string;
  readonly sender: string;
  readonly recipients: readonly string[];
}

export async function startQmtpServer(script: QmtpScript) {
  const messages: QmtpMessage[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    const decoder = netstrings((fields) => {
      if (fields.length < 3) return;
      const [content = '', sender = '', list = ''] = fields.splice(0);
      const recipients: string[] = [];
      netstrings((all) => recipients.push(...all.splice(0))).push(bytesOf(list));
      messages.push({ content, sender, recipients });
      if (typeof script === 'string') {
        if (script === 'close') socket.destroy();
        else socket.end(script);
        return;
      }
      for (const answer of script) socket.write(encodeNetstring(bytesOf(answer)));
      if (script.length < recipients.length) socket.end();
    });
    socket.on('data', (chunk) => decoder.push(chunk));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    messages,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Calls `onField` with all fields so far whenever one is complete. */
function netstrings(onField: (fields: string[]) => void): NetstringDecoder {
  const fields: string[] = [];
  let text = '';
  return new NetstringDecoder(1_000_000, {
    open: () => {
      text = '';
    },
    data: (piece) => {
      text += textOf(piece);
    },
    close: () => {
      fields.push(text);
      onField(fields);
    },
  });
}
