// Days as searches mean them (RFC 9051, section 6.4.4: time and zone are disregarded). INTERNALDATE is shown in the server's
// zone, so its days are the server's.

/** The moment in milliseconds when a day begins in the server's zone; `day` is UTC milliseconds of its beginning. */
export function dayInServerZone(day: number): number {
  const utc = new Date(day);
  const local = new Date(0);
  // Not the constructor with numbers, which takes the year 97 for 1997.
  local.setFullYear(utc.getUTCFullYear(), utc.getUTCMonth(), utc.getUTCDate());
  local.setHours(0, 0, 0, 0);
  return local.getTime();
}

export function dayAfter(day: number): number {
  return day + 86_400_000;
}
