/** A command that is not what the grammar says. The message is for the client and has nothing of its bytes. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** Always throws. */
export function bad(message: string): never {
  throw new CommandError(message);
}
