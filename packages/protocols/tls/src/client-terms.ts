// Courier's settings for certificates of clients.
//
//   TLS_VERIFYPEER   NONE         no certificate is asked for; the same as not set
//                    PEER         a client may show one; if it does, it must be good
//                    REQUIREPEER  each client must
//   TLS_TRUSTCERTS   a file or a directory: see trust-files.ts
//   TLS_EXTERNAL     the part of the certificate's subject that names the account, for AUTHENTICATE EXTERNAL

import { Permanent } from '@q/fault';

/** What is asked of clients, where certificates are asked for. */
export interface ClientTerms {
  /** A path. */
  readonly trusted: string;
  /** Who has no certificate is not spoken to. */
  readonly required: boolean;
  /** The OID of the part of the subject that is the name of an account; undefined: there is no login by certificate. */
  readonly nameIn: string | undefined;
}

/** The settings that `setting` is asked for. */
export const CLIENT_SETTINGS = ['TLS_VERIFYPEER', 'TLS_TRUSTCERTS', 'TLS_EXTERNAL'] as const;

/** Undefined where no certificates are asked for. Throws Permanent for a value that means nothing. */
export function clientTermsOf(
  setting: (name: (typeof CLIENT_SETTINGS)[number]) => string | undefined,
): ClientTerms | undefined {
  const verify = setting('TLS_VERIFYPEER')?.toUpperCase() || 'NONE';
  if (verify === 'NONE') return undefined;
  if (verify !== 'PEER' && verify !== 'REQUIREPEER')
    throw new Permanent('TLS_VERIFYPEER is neither NONE nor PEER nor REQUIREPEER');
  const trusted = setting('TLS_TRUSTCERTS');
  if (!trusted) throw new Permanent(`TLS_VERIFYPEER=${verify} needs TLS_TRUSTCERTS`);
  return { trusted, required: verify === 'REQUIREPEER', nameIn: oidNamed(setting('TLS_EXTERNAL')) };
}

/** In lower case, by OpenSSL's long and short names. */
const PARTS: Readonly<Record<string, string>> = {
  emailaddress: '1.2.840.113549.1.9.1',
  email: '1.2.840.113549.1.9.1',
  commonname: '2.5.4.3',
  cn: '2.5.4.3',
  userid: '0.9.2342.19200300.100.1.1',
  uid: '0.9.2342.19200300.100.1.1',
  serialnumber: '2.5.4.5',
};

function oidNamed(part: string | undefined): string | undefined {
  if (!part) return undefined;
  const oid = /^[0-2](\.[0-9]+)+$/.test(part) ? part : PARTS[part.toLowerCase()];
  if (oid === undefined) throw new Permanent(`TLS_EXTERNAL: no part of a subject: ${part}`);
  return oid;
}
