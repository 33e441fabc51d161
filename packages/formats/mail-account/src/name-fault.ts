import type { NameRefusal } from './model.ts';

/** A mailbox name, or what was asked of the mailbox, is refused. The text is ours and has no bytes of the client's. */
export class NameFault extends Error {
  override readonly name = 'NameFault';
  readonly code: NameRefusal;

  constructor(code: NameRefusal, text: string) {
    super(text);
    this.code = code;
  }
}
