// The capability list (RFC 9051, section 6.1.1), composed as data.

/** What decides the list of a session at this moment. */
export interface CapabilityContext {
  readonly loggedIn: boolean;
  readonly tls: boolean;
  /** STARTTLS can be done: there is a certificate. */
  readonly startTls: boolean;
  /** Logins with a password need TLS. */
  readonly tlsRequired: boolean;
  /** SASL mechanisms on offer; with `tlsRequired` and no TLS, none is. */
  readonly mechanisms: readonly string[];
  /** Compression can still be turned on. */
  readonly compress: boolean;
  /** Largest message APPEND takes, in bytes; undefined: no limit. */
  readonly appendLimit: number | undefined;
}

/**
 * The capabilities, in a fixed order. Before login only what a client needs to log in: the long list comes with
 * LOGIN's answer. `features` are those of the logged-in session that the server has turned on (FEATURES is the whole).
 */
export function capabilities(
  context: CapabilityContext,
  features: readonly string[] = FEATURES,
): readonly string[] {
  // RFC 7888, section 5: never both. Before login nothing larger than LITERAL- allows is taken.
  const list: string[] = [...ALWAYS, context.loggedIn ? 'LITERAL+' : 'LITERAL-'];
  if (!context.loggedIn) {
    if (context.startTls && !context.tls) list.push('STARTTLS');
    const closed = context.tlsRequired && !context.tls;
    if (closed) list.push('LOGINDISABLED');
    else list.push('SASL-IR', ...context.mechanisms.map((name) => `AUTH=${name}`));
    return list;
  }
  list.push(...features);
  if (context.compress) list.push('COMPRESS=DEFLATE');
  list.push(
    context.appendLimit === undefined ? 'APPENDLIMIT' : `APPENDLIMIT=${context.appendLimit}`,
  );
  return list;
}

const ALWAYS = ['IMAP4rev1', 'IMAP4rev2', 'ID', 'ENABLE'] as const;

/** Of a session that is logged in; those that depend on the connection or on limits are added by `capabilities`. */
export const FEATURES: readonly string[] = [
  'IDLE',
  'NAMESPACE',
  'CHILDREN',
  'UIDPLUS',
  'UNSELECT',
  'MOVE',
  'MULTIAPPEND',
  'CATENATE',
  'REPLACE',
  'BINARY',
  'CONDSTORE',
  'QRESYNC',
  'UIDONLY',
  'ESEARCH',
  'SEARCHRES',
  'WITHIN',
  'PARTIAL',
  'CONTEXT=SEARCH',
  'SORT',
  'SORT=DISPLAY',
  'ESORT',
  'THREAD=ORDEREDSUBJECT',
  'THREAD=REFERENCES',
  'THREAD=REFS',
  'I18NLEVEL=1',
  'LIST-EXTENDED',
  'LIST-STATUS',
  'LIST-MYRIGHTS',
  'SPECIAL-USE',
  'CREATE-SPECIAL-USE',
  'STATUS=SIZE',
  'QUOTA',
  'QUOTA=RES-STORAGE',
  'QUOTA=RES-MESSAGE',
  'ACL',
  'RIGHTS=kxte',
  'ACL2=UNION',
  'METADATA',
  'NOTIFY',
  'PREVIEW',
  'SNIPPET=FUZZY',
  'SAVEDATE',
  'OBJECTID',
  'UTF8=ACCEPT',
  'URL-PARTIAL',
  'INPROGRESS',
];
