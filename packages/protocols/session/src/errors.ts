// What can end a session from outside. The session decides what it says then; the host never does.

/** Nothing came (or went) for the idle time, the session's deadline passed, or the server is stopping. */
export class Timeout extends Error {
  override readonly name = 'Timeout';
  readonly reason: 'idle' | 'deadline' | 'stop';

  constructor(reason: 'idle' | 'deadline' | 'stop') {
    super(
      { idle: 'timeout', deadline: 'session took too long', stop: 'server is stopping' }[reason],
    );
    this.reason = reason;
  }
}

/** A line went past the caller's limit. Nothing of it was taken: see Conn.skipLine. */
export class LineTooLong extends Error {
  override readonly name = 'LineTooLong';

  constructor() {
    super('line too long');
  }
}

/** The peer no longer takes what we write. */
export class Disconnected extends Error {
  override readonly name = 'Disconnected';

  constructor(cause?: unknown) {
    super('connection lost', { cause });
  }
}
