// IDLE (RFC 2177; RFC 9051, section 6.3.13).

import { asciiLower, textOf } from '@q/bytes';
import { refusalReply } from '@q/imap';
import type { Dispatcher } from '../dispatch.ts';
import { bad, ok } from '../reply.ts';
import type { Reply } from '../session.ts';

/**
 * Until the client says DONE. A mailbox that changes is told of at once; how long a client may stay is the connection's
 * idle time, as everywhere.
 */
export async function idle(
  dispatcher: Dispatcher,
  _given: object,
  tag: string,
): Promise<Reply | undefined> {
  const { session, input, reader } = dispatcher;
  session.write('+ idling\r\n');
  reader.expectLine();
  const { view } = session;
  let changed = true;
  const heard = () => {
    changed = true;
    input.call();
  };
  const unwatch = view?.opened.folder.watch(heard);
  // Where no change is announced (NFS) somebody has to look.
  const polling = view && setInterval(heard, session.settings.idlePoll * 1000);
  polling?.unref();
  try {
    for (;;) {
      const event = input.event();
      if (event?.kind === 'line')
        return asciiLower(textOf(event.bytes)) === 'done'
          ? ok('Idle is over')
          : bad('Expected DONE');
      if (event?.kind === 'refused') {
        session.write(refusalReply(event, tag));
        if (event.closing) dispatcher.end('disconnected');
        return undefined;
      }
      if (changed) {
        changed = false;
        await dispatcher.look(true);
      }
      await session.tellWishes();
      if ((await input.wait(true)) === 'end') {
        dispatcher.end('disconnected');
        return undefined;
      }
    }
  } finally {
    clearInterval(polling);
    unwatch?.();
  }
}
