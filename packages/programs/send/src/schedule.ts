// When a message is tried (qmail-send(8)). Pure: all times are seconds since 1970, given by the caller.
//
// The k-th attempt of a channel comes when the message's age is (k*skip)^2: locally at 0, 100, 400, 900
// seconds, remotely at 0, 400, 1600, 3600. The state is the birth time alone, so a restart changes nothing,
// and an attempt made late or early falls back into step.

export type ChannelName = 'local' | 'remote';

export const CHANNELS: readonly ChannelName[] = ['local', 'remote'];

/** Steps of the square root of the age between two attempts. */
const SKIP: Readonly<Record<ChannelName, number>> = { local: 10, remote: 20 };

/** When the attempt after one that starts at `now` is due. */
export function nextAttempt(birth: number, now: number, channel: ChannelName): number {
  const root = isqrt(now - birth) + SKIP[channel];
  return birth + root * root;
}

/** True when the attempt that starts at `now` is the last: temporary failures become permanent. */
export function isDying(birth: number, now: number, lifetime: number): boolean {
  return now > birth + lifetime;
}

/** The largest whole number whose square is not above `n`; 0 for a negative age (a clock set back), at most 65535. */
export function isqrt(n: number): number {
  if (n <= 0) return 0;
  return Math.min(Math.floor(Math.sqrt(n)), 65535);
}
