// Times for people: always GMT, as in the log.

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** `26 Sep 1995 04:46:54 GMT` for seconds since 1970. */
export function gmtDate(seconds: number): string {
  const date = new Date(seconds * 1000);
  const time = date.toISOString().slice(11, 19);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()} ${time} GMT`;
}

/** A span of seconds in its largest whole unit: `59s`, `12m`, `3h`, `8d`. */
export function age(seconds: number): string {
  for (const [unit, size] of UNITS)
    if (seconds >= size) return `${Math.floor(seconds / size)}${unit}`;
  return `${Math.max(0, Math.floor(seconds))}s`;
}

/** The seconds of `90`, `90s`, `15m`, `12h`, `7d`; undefined for anything else. */
export function parseAge(text: string): number | undefined {
  const match = /^([0-9]{1,9})([smhd]?)$/.exec(text);
  if (match === null) return undefined;
  const size = UNITS.find(([unit]) => unit === match[2])?.[1] ?? 1;
  return Number(match[1]) * size;
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
] as const;
