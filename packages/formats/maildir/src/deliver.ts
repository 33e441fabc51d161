// Delivery of one message to a maildir: maildir(5). No locks, and never half a message in new:
//
//   1 create tmp/NAME, which must not exist     crash here or later: garbage in tmp, removed after 36 hours
//   2 write the message, fsync it, close it
//   3 link it to new/NAME                       crash after this: delivered, and perhaps delivered again
//   4 unlink tmp/NAME
//   5 fsync new: only now is it on disk by that name, and success is reported

// A process that delivers does nothing else meanwhile: all of this is done at once, without another thread, which
// would cost more than most of these calls. Who makes several deliveries at a time gives its own fsyncs.

import { closeSync, fsyncSync, linkSync, statSync, unlinkSync } from 'node:fs';
import { errnoOf, isTemporaryErrno } from '@q/fault';
import { createExclusiveSync, fsyncDirSync, isSameFile, type Path, writeFullySync } from '@q/fsx';
import { DELIVERY_TIMEOUT, GATHERED_SIZE, NAME_TRIES, WRITE_SIZE } from './limits.ts';
import { MaildirFault } from './maildir-fault.ts';
import { uniqueName } from './name.ts';
import { inside } from './paths.ts';

/** The message in pieces, which are written as they come. A piece may be reused once the next is asked for. */
export type Parts = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** All but the first two are seams for tests; the defaults are the real thing. */
export interface DeliveryOptions {
  /** Ends the name with ",S=" and the bytes of the file, so that whoever counts a Maildir++ need not look. */
  readonly sizeInName?: boolean;
  /**
   * Called when the message is on disk in tmp and has no name in new yet: for what must happen only if the
   * delivery will succeed. What it throws ends the delivery, and nothing is left.
   */
  readonly beforeLink?: () => Promise<void>;
  /** Unix time in seconds. */
  readonly now?: () => number;
  readonly pid?: number;
  readonly host?: string;
  readonly timeoutSeconds?: number;
  readonly files?: Partial<Files>;
}

/** The steps on disk; each throws a system error. */
interface Files {
  readonly createExclusive: (path: Path, mode: number) => number | Promise<number>;
  readonly writeFully: (fd: number, data: Uint8Array) => Done;
  readonly fsyncFd: (fd: number) => Done;
  readonly closeFd: (fd: number) => Done;
  readonly linkFile: (from: Path, to: Path) => Done;
  /** No trouble when it is not there. */
  readonly unlinkIfThere: (path: Path) => unknown;
  readonly fsyncDir: (path: Path) => Done;
}

type Done = void | Promise<void>;

const FILES: Files = {
  createExclusive: createExclusiveSync,
  writeFully: writeFullySync,
  fsyncFd: fsyncSync,
  closeFd: closeSync,
  linkFile: linkSync,
  unlinkIfThere: (path) => {
    try {
      unlinkSync(path);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  },
  fsyncDir: fsyncDirSync,
};

/**
 * Puts the message into `maildir`/new, byte for byte, mode 0600, and resolves to its name and bytes once it
 * is on disk. Throws MaildirFault, and nothing of the message is left then.
 */
export async function deliverToMaildir(
  maildir: Path,
  parts: Parts,
  options: DeliveryOptions = {},
): Promise<{ readonly name: string; readonly bytes: number }> {
  const delivery: Delivery = {
    maildir,
    files: { ...FILES, ...options.files },
    freshName: () => freshName(options),
    beforeLink: options.beforeLink,
    sizeInName: options.sizeInName === true,
  };
  enter(maildir);
  try {
    return await throughTmp(delivery, timed(parts, options.timeoutSeconds));
  } catch (error) {
    throw error instanceof MaildirFault ? error : new MaildirFault('write', error);
  }
}

interface Delivery {
  readonly maildir: Path;
  readonly files: Files;
  readonly freshName: () => string;
  readonly beforeLink: (() => Promise<void>) | undefined;
  readonly sizeInName: boolean;
}

function freshName({ now, pid, host }: DeliveryOptions): string {
  return uniqueName({
    ...(now && { seconds: now() }),
    ...(pid !== undefined && { pid }),
    ...(host !== undefined && { host }),
  });
}

/** What chdir would say: a maildir that is not there differs from one that has trouble. */
function enter(maildir: Path): void {
  try {
    statSync(inside(maildir, '.'));
  } catch (error) {
    const passes = isTemporaryErrno(errnoOf(error) ?? '');
    throw new MaildirFault(passes ? 'write' : 'chdir', error);
  }
}

async function throughTmp(
  delivery: Delivery,
  parts: AsyncIterable<Uint8Array>,
): Promise<{ readonly name: string; readonly bytes: number }> {
  const { files, maildir } = delivery;
  const { fd, name } = await create(delivery);
  const tmp = inside(maildir, 'tmp', name);
  let linked: string;
  let bytes = 0;
  try {
    try {
      await copy(parts, (piece) => {
        bytes += piece.length;
        return files.writeFully(fd, piece);
      });
      await files.fsyncFd(fd);
    } finally {
      // Before the link: NFS tells some write errors only now.
      await files.closeFd(fd);
    }
    await delivery.beforeLink?.();
    linked = await linkToNew(delivery, tmp, name, bytes);
  } finally {
    // The message is safe, or its failure is being reported: a leftover here is only garbage.
    await unlinkQuietly(files, tmp);
  }
  try {
    await files.fsyncDir(inside(maildir, 'new'));
  } catch (error) {
    // It may be on disk or not: it will be delivered again, so it must not stay as well.
    await unlinkQuietly(files, inside(maildir, 'new', linked));
    throw error;
  }
  return { name: linked, bytes };
}

async function unlinkQuietly(files: Files, path: Path): Promise<void> {
  try {
    await files.unlinkIfThere(path);
  } catch {
    // There is nobody to tell who could do better.
  }
}

async function create({
  files,
  maildir,
  freshName,
}: Delivery): Promise<{ fd: number; name: string }> {
  for (let tries = 1; ; tries++) {
    const name = freshName();
    try {
      return { fd: await files.createExclusive(inside(maildir, 'tmp', name), 0o600), name };
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST' || tries === NAME_TRIES) throw error;
    }
  }
}

/** The name it got in new: the one it has in tmp, perhaps with its size, unless somebody has that already. */
async function linkToNew(
  { files, maildir, freshName, sizeInName }: Delivery,
  tmp: Buffer,
  tmpName: string,
  bytes: number,
): Promise<string> {
  const size = sizeInName ? `,S=${bytes}` : '';
  let name = `${tmpName}${size}`;
  for (let tries = 1; ; tries++) {
    const path = inside(maildir, 'new', name);
    try {
      await files.linkFile(tmp, path);
      return name;
    } catch (error) {
      // NFS may do the link, lose the answer, and fail when the client asks again; a failing disk may do it and say that
      // it did not. Whoever reads new has it already: it must not be delivered again.
      if (isSameFile(tmp, path)) return name;
      if (errnoOf(error) !== 'EEXIST' || tries === NAME_TRIES) throw error;
      name = `${freshName()}${size}`;
    }
  }
}

/** Gathers small pieces, so that two header lines and a short body are one write. */
async function copy(
  parts: AsyncIterable<Uint8Array>,
  write: (bytes: Uint8Array) => Done,
): Promise<void> {
  let gathered: Uint8Array[] = [];
  let held = 0;
  const flush = async () => {
    if (held > 0) await write(Buffer.concat(gathered, held));
    gathered = [];
    held = 0;
  };
  for await (const part of parts) {
    if (held + part.length > WRITE_SIZE) await flush();
    if (part.length >= GATHERED_SIZE) {
      await flush();
      await write(part);
    } else {
      gathered.push(Buffer.from(part));
      held += part.length;
    }
  }
  await flush();
}

/** The parts, with the time limit on all of them together; the source's errors become 'read'. */
async function* timed(
  parts: Parts,
  timeoutSeconds = DELIVERY_TIMEOUT,
): AsyncGenerator<Uint8Array, void, void> {
  const deadline = performance.now() + timeoutSeconds * 1000;
  const source =
    Symbol.asyncIterator in parts ? parts[Symbol.asyncIterator]() : parts[Symbol.iterator]();
  let open = true;
  try {
    for (;;) {
      const step = await before(deadline, source);
      open = step.done !== true;
      if (step.done) return;
      yield step.value;
    }
  } catch (error) {
    throw error instanceof MaildirFault ? error : new MaildirFault('read', error);
  } finally {
    // Not waited for: a source that hangs would hang here too.
    if (open) void Promise.resolve(source.return?.()).catch(() => {});
  }
}

async function before(
  deadline: number,
  source: AsyncIterator<Uint8Array> | Iterator<Uint8Array>,
): Promise<IteratorResult<Uint8Array>> {
  const left = deadline - performance.now();
  // Asked for here too: a source that never waits lets no timer run.
  if (left <= 0) throw new MaildirFault('timeout');
  const next = source.next();
  if (!('then' in next)) return next;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new MaildirFault('timeout')), left);
  });
  try {
    return await Promise.race([next, late]);
  } finally {
    clearTimeout(timer);
  }
}
