// Every control file: what kind it is, what holds without it, and what it means, in a sentence. qmail-control(5).

type Kind = 'line' | 'int' | 'list' | 'map' | 'other';

export interface Setting {
  readonly name: string;
  readonly kind: Kind;
  /** What holds without the file: control/me, else this; lists have a sentence instead. */
  readonly me?: boolean;
  readonly fallback?: string;
  /** Said when the file is missing and nothing takes its place. */
  readonly without?: string;
  /** The meaning of a value, or of an entry. */
  readonly means: (value: string, rest: string) => string;
}

/** By name, as they are shown; control/me comes first. */
export const SETTINGS: readonly Setting[] = [
  line('me', (it) => `This host is ${it}.`, { without: 'Missing! Nothing works without it.' }),
  list('badmailfrom', 'Nobody is refused as a sender.', (it) => `Refused as a sender: ${it}.`),
  map('bindroutes', 'The system chooses the address to send from.', (domain, from) =>
    domain === ''
      ? `All other mail is sent from ${from}.`
      : `Mail for ${domain} is sent from ${from}.`,
  ),
  line('bouncefrom', (it) => `Bounces come from the user ${it}.`, { fallback: 'MAILER-DAEMON' }),
  line('bouncehost', (it) => `Bounces come from the host ${it}.`, {
    me: true,
    fallback: 'bouncehost',
  }),
  int('concurrencyincoming', (it) => `At most ${it} SMTP connections (used by run scripts).`, {
    without: 'Run scripts decide.',
  }),
  int('concurrencylocal', (it) => `At most ${it} local deliveries at a time.`, { fallback: '10' }),
  int('concurrencyremote', (it) => `At most ${it} remote deliveries at a time.`, {
    fallback: '20',
  }),
  int(
    'databytes',
    (it) => (it === '0' ? 'A message may have any size.' : `A message may have ${it} bytes.`),
    {
      fallback: '0',
    },
  ),
  line('defaultdelivery', (it) => `Mail is delivered to ${it} (used by run scripts).`, {
    without: 'Run scripts decide.',
  }),
  line('defaultdomain', (it) => `A host name without a dot gets .${it}.`, {
    me: true,
    fallback: 'defaultdomain',
  }),
  line('defaulthost', (it) => `An address without a host gets @${it}.`, {
    me: true,
    fallback: 'defaulthost',
  }),
  line('doublebouncehost', (it) => `Bounces that bounce go to the host ${it}.`, {
    me: true,
    fallback: 'doublebouncehost',
  }),
  line(
    'doublebounceto',
    (it) =>
      it === '' ? 'Bounces that bounce are dropped.' : `Bounces that bounce go to the user ${it}.`,
    {
      fallback: 'postmaster',
    },
  ),
  line('envnoathost', (it) => `A recipient without a host gets @${it}.`, {
    me: true,
    fallback: 'envnoathost',
  }),
  line('helohost', (it) => `This host calls itself ${it} when it sends mail.`, { me: true }),
  line('idhost', (it) => `Message-IDs are made with ${it}.`, { me: true, fallback: 'idhost' }),
  line('localiphost', (it) => `An address of this host in brackets means ${it}.`, { me: true }),
  list('locals', undefined, (it) => `Mail for ${it} is for users of this host.`, { me: true }),
  int(
    'localworkers',
    (it) =>
      it === '0'
        ? 'Each local delivery has a process of its own.'
        : `At most ${it} processes for local deliveries are kept.`,
    {
      fallback: '40',
    },
  ),
  other('morercpthosts', 'More domains to take mail for: see morercpthosts.cdb.'),
  other('morercpthosts.cdb', 'More domains to take mail for, compiled.'),
  list(
    'percenthack',
    'The percent sign means nothing in an address.',
    (it) => `user%host@${it} means user@host.`,
  ),
  line('plusdomain', (it) => `A host name that ends with a plus gets .${it}.`, {
    me: true,
    fallback: 'plusdomain',
  }),
  list('qmqpservers', 'There are no QMQP servers.', (it) => `QMQP server: ${it}.`),
  map('qmtproutes', 'No mail is sent by QMTP.', (domain, relay) =>
    routeText(domain, relay, ' by QMTP'),
  ),
  int('queuelifetime', (it) => `A message is tried for ${it} seconds.`, { fallback: '604800' }),
  list(
    'rcpthosts',
    'MAIL IS TAKEN FOR EVERY DOMAIN: this host is an open relay.',
    (it) => `Mail is taken for ${it}.`,
  ),
  int('remoterecipients', (it) => `A message goes to at most ${it} recipients of a host at once.`, {
    fallback: '100',
  }),
  int(
    'remoteworkers',
    (it) =>
      it === '0'
        ? 'Each remote delivery has a process of its own.'
        : 'Remote deliveries are made inside qmail-rspawn.',
    { fallback: '1' },
  ),
  line('smtpgreeting', (it) => `SMTP greeting: 220 ${it}.`, { me: true }),
  map('smtproutes', 'Mail goes to the hosts that DNS names.', (domain, relay) =>
    routeText(domain, relay, ''),
  ),
  int('timeoutconnect', (it) => `An outgoing connection may take ${it} seconds.`, {
    fallback: '60',
  }),
  int('timeoutremote', (it) => `An SMTP server may be silent for ${it} seconds.`, {
    fallback: '1200',
  }),
  int('timeoutsmtpd', (it) => `An SMTP client may be silent for ${it} seconds.`, {
    fallback: '1200',
  }),
  map('virtualdomains', 'There are no virtual domains.', (domain, owner) =>
    owner === '' ? `${domain} is no virtual domain.` : `${mailFor(domain)} goes to ${owner}-.`,
  ),
];

type Fallback = Pick<Setting, 'me' | 'fallback' | 'without'>;

function line(name: string, means: Setting['means'], fallback: Fallback): Setting {
  return { name, kind: 'line', means, ...fallback };
}

function int(name: string, means: Setting['means'], fallback: Fallback): Setting {
  return { name, kind: 'int', means, ...fallback };
}

function list(
  name: string,
  without: string | undefined,
  means: Setting['means'],
  fallback: Fallback = {},
): Setting {
  return { name, kind: 'list', means, ...(without === undefined ? {} : { without }), ...fallback };
}

function map(name: string, without: string, means: Setting['means']): Setting {
  return { name, kind: 'map', means, without };
}

function other(name: string, meaning: string): Setting {
  return { name, kind: 'other', means: () => meaning };
}

function routeText(domain: string, relay: string, how: string): string {
  const mail = mailFor(domain);
  return relay === ''
    ? `${mail} goes to the hosts that DNS names.`
    : `${mail} goes to ${relay}${how}.`;
}

function mailFor(domain: string): string {
  return domain === '' ? 'All other mail' : `Mail for ${domain}`;
}
