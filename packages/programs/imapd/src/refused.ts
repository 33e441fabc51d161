/** A command that is not done: its answer. The text is ours and has no bytes of the client's. */
export class CommandRefused extends Error {
  override readonly name = 'CommandRefused';
  readonly status: 'NO' | 'BAD';
  /** Response code without brackets: "CANNOT", "LIMIT". */
  readonly code: string | undefined;

  constructor(status: 'NO' | 'BAD', text: string, code?: string) {
    super(text);
    this.status = status;
    this.code = code;
  }
}
