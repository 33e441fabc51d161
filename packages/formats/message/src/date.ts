// The two date forms mail uses here, always in GMT: no host's time zone ever shows in a message.

/** RFC 822's date-time of a Unix time in seconds: `26 Sep 1995 04:46:53 -0000`, the day unpadded. */
export function rfc822Date(seconds: number): string {
  const { day, month, year, time } = parts(seconds);
  return `${day} ${month} ${year} ${time} -0000`;
}

/** asctime's form of a Unix time in seconds, for mbox From_ lines: `Sun Sep 03 04:46:53 1995`, the day two digits. */
export function asctime(seconds: number): string {
  const { weekday, day, month, year, time } = parts(seconds);
  return `${weekday} ${month} ${two(day)} ${time} ${year}`;
}

function parts(seconds: number) {
  const date = new Date(Math.floor(seconds) * 1000);
  return {
    weekday: WEEKDAYS[date.getUTCDay()] as string,
    day: date.getUTCDate(),
    month: MONTHS[date.getUTCMonth()] as string,
    year: date.getUTCFullYear(),
    time: `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`,
  };
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
