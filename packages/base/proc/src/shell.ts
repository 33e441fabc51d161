// Commands for /bin/sh, from mail and .qmail files: latin1 text for bytes. qmail-command(8).

/** Exit codes of a command that mean "never": qmail's own 100 and 112, and those of sysexits.h. */
export const PERMANENT_EXITS: ReadonlySet<number> = new Set([100, 64, 65, 70, 76, 77, 78, 112]);

/**
 * The argument after `sh -c` that makes sh run exactly these bytes (latin1 text, without NUL). Node passes arguments
 * on as UTF-8, so a command with other bytes (a file name, a latin1 comment) is spelled in printf's octal escapes.
 */
export function shellText(command: string): string {
  const utf8 = Buffer.from(command, 'latin1').toString('utf8');
  if (Buffer.from(utf8, 'utf8').toString('latin1') === command) return utf8;
  const octal = command.replace(
    /[^A-Za-z0-9 ./_]/g,
    (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
  return `eval "$(printf '${octal}')"`;
}
