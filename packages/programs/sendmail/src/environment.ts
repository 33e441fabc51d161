// The environments of the programs that sendmail becomes. sendmail(8), qmail-inject(8).

type Env = Readonly<NodeJS.ProcessEnv>;

/** What a server learns from tcpserver; of a caller who is no network connection. */
const LOCAL_CLIENT = {
  RELAYCLIENT: '',
  DATABYTES: '0',
  PROTO: 'TCP',
  TCPLOCALIP: '127.0.0.1',
  TCPLOCALHOST: 'localhost',
  TCPREMOTEIP: '127.0.0.1',
  TCPREMOTEHOST: 'localhost',
  TCPREMOTEINFO: 'sendmail-bs',
};

/** qmail-smtpd's: the caller's own if it tells of a connection, else that of a client who may relay. */
export function smtpEnvironment(env: Env): NodeJS.ProcessEnv {
  return env.PROTO === undefined ? { ...env, ...LOCAL_CLIENT } : { ...env };
}

/**
 * qmail-inject's. With a sender, From is made of it and not of the caller's names; with the null sender, which is
 * nobody's address, of the caller's as always. A full name given with it counts. Callers that end lines in CR LF,
 * as PHP does, are used to sendmail's not minding.
 */
export function injectEnvironment(
  env: Env,
  { sender, fullName }: { readonly sender?: string; readonly fullName?: string },
): NodeJS.ProcessEnv {
  const result: NodeJS.ProcessEnv = { ...env, QMAILINJECT: `${env.QMAILINJECT ?? ''}l` };
  if (sender !== undefined && sender !== '') {
    for (const name of ['QMAILNAME', 'MAILNAME', 'NAME', 'QMAILHOST', 'MAILHOST'])
      delete result[name];
    const at = sender.lastIndexOf('@');
    result.QMAILUSER = at < 0 ? sender : sender.slice(0, at);
    if (at >= 0) result.QMAILHOST = sender.slice(at + 1);
  }
  if (fullName !== undefined) result.MAILNAME = fullName;
  return result;
}
