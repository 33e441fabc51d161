import { Permanent } from '@q/fault';

/** What a folder cannot do: the response code, and a text for the client without bytes of his or paths. */
export class FolderFault extends Permanent {
  readonly code: 'LIMIT' | 'NONEXISTENT';

  constructor(code: 'LIMIT' | 'NONEXISTENT', text: string, cause?: unknown) {
    super(text, { cause });
    this.code = code;
  }
}

/** The folder was removed, or another is in its place, while it was open. */
export function folderIsGone(cause?: unknown): FolderFault {
  return new FolderFault('NONEXISTENT', 'the mailbox is no more', cause);
}
