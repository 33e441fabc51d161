// TLS for a process of one connection: the certificates are read when the client wants it, and not before.

import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { faultOf, Permanent } from '@q/fault';
import type { Log } from '@q/log';
import { ClientCertificates } from './client-certificates.ts';
import type { ClientTerms } from './client-terms.ts';
import { KeyFiles } from './key-files.ts';
import { type Secured, ServerContexts } from './server-contexts.ts';
import { TrustFiles } from './trust-files.ts';

/**
 * What a connection is encrypted with, for Conn.upgrade; undefined where the host, whose files are below `home`, has no
 * certificate. The function throws Temporary when it cannot be used, and has told the log. `clients`: undefined where they
 * are not asked for certificates; it may throw, which counts as the same trouble.
 */
export function startTlsOf(
  home: string,
  log: Log,
  clients: () => ClientTerms | undefined = () => undefined,
): (() => (stream: Duplex) => Promise<Secured>) | undefined {
  const keys = new KeyFiles(join(home, 'control'));
  if (!keys.there) return undefined;
  return () => {
    try {
      const { secure } = new ServerContexts(keys.read(), certificatesBy(clients()));
      return (stream) =>
        secure(stream).catch((error: unknown) => {
          if (error instanceof Permanent) log(`warning: ${error.message}`);
          throw error;
        });
    } catch (error) {
      log(`warning: ${faultOf(error, 'unable to use servercert.pem').message}`);
      throw error;
    }
  };
}

function certificatesBy(terms: ClientTerms | undefined): ClientCertificates | undefined {
  if (terms === undefined) return undefined;
  const trusted = new TrustFiles(terms.trusted).read();
  return new ClientCertificates({ ...terms, trusted });
}
