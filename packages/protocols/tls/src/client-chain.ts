// Whether a chain of certificates leads from a client to a CA we trust: RFC 5280, section 6.1, of which everything that is not
// understood here is refused.
//
//   client's certificate ◄─ signed by ─ CA ◄─ ... ◄─ CA of ours, which nobody has to vouch for
//
// Each is in its time; each but the first is a CA that may sign certificates, with no more CAs below than its path length; each
// is for clients, if it says what it is for. Name constraints and critical extensions that we do not know are refused, and
// signatures with SHA-1 or MD5. Revocation lists are not asked for.

import { Permanent } from '@q/fault';
import { type Certificate, certificateOf, EXTENSION } from './certificate.ts';
import { CHAIN_BYTES_MAX, CHAIN_MAX, RSA_BITS_MIN, SIGNATURES_MAX } from './limits.ts';

/**
 * The certificate of the client, which is the first of the chain (DER; the others in any order). Throws Permanent, with the
 * reason for the log, when it does not lead to one of `trusted`. `now` in milliseconds since 1970.
 */
export function verifyChain(
  chain: readonly Buffer[],
  trusted: readonly Certificate[],
  now: number = Date.now(),
): Certificate {
  const bytes = chain.reduce((sum, { length }) => sum + length, 0);
  if (chain.length > CHAIN_MAX || bytes > CHAIN_BYTES_MAX) throw refused('chain is too long');
  const [client, ...sent] = chain.map(parse);
  if (client === undefined) throw refused('no certificate');
  checkClient(client, now);
  const search = { sent, trusted, now, left: SIGNATURES_MAX, why: 'its issuer is not trusted' };
  if (!leadsToTrust([client], search)) throw refused(search.why);
  return client;
}

/** Throws Permanent for what cannot be a CA of ours: of version 1, or no CA. */
export function trustedOf(der: Buffer): Certificate {
  const certificate = parse(der);
  if (certificate.authority === undefined) throw refused('it is no CA');
  return certificate;
}

// --- internal ---

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const DIGITAL_SIGNATURE = 0;
const KEY_CERT_SIGN = 5;

/** Extensions whose critical mark is no reason to refuse. Policies: we ask for none. */
const KNOWN: ReadonlySet<string> = new Set([
  EXTENSION.keyUsage,
  EXTENSION.subjectAltName,
  EXTENSION.basicConstraints,
  EXTENSION.certificatePolicies,
  EXTENSION.extKeyUsage,
]);

/** RSA, RSA-PSS and ECDSA with SHA-2; Ed25519; Ed448. */
const SIGNATURES: ReadonlySet<string> = new Set([
  ...[10, 11, 12, 13].map((last) => `1.2.840.113549.1.1.${last}`),
  ...[2, 3, 4].map((last) => `1.2.840.10045.4.3.${last}`),
  '1.3.101.112',
  '1.3.101.113',
]);

interface Search {
  readonly sent: readonly Certificate[];
  readonly trusted: readonly Certificate[];
  readonly now: number;
  /** Signatures that may still be looked at. */
  left: number;
  /** What was wrong with the way that came farthest. */
  why: string;
}

/** True when the last one of the path is signed by one of ours, or by one that was sent from which the path goes on. */
function leadsToTrust(path: readonly Certificate[], search: Search): boolean {
  const last = path.at(-1) as Certificate;
  if (issuersOf(last, search.trusted).some((issuer) => isStep(path, issuer, search))) return true;
  return issuersOf(last, search.sent).some(
    (issuer) =>
      !path.includes(issuer) &&
      isStep(path, issuer, search) &&
      leadsToTrust([...path, issuer], search),
  );
}

function issuersOf(of: Certificate, among: readonly Certificate[]): readonly Certificate[] {
  return among.filter(({ subject }) => subject.equals(of.issuer));
}

/** True when `issuer` may and did sign the last one of the path. */
function isStep(path: readonly Certificate[], issuer: Certificate, search: Search): boolean {
  const last = path.at(-1) as Certificate;
  try {
    checkIssuer(issuer, path, search.now);
    if (search.left-- <= 0) throw refused('too many certificates of one name');
    // That of a CA of ours says nothing: it stands in our own file.
    if (!SIGNATURES.has(last.signedBy)) throw refused('a signature is too weak');
    if (!last.x509.checkIssued(issuer.x509) || !last.x509.verify(issuer.key))
      throw refused('its signature is wrong');
    return true;
  } catch (error) {
    search.why = (error as Error).message;
    return false;
  }
}

function checkClient(client: Certificate, now: number): void {
  checkAny(client, now);
  if (client.keyUsage?.has(DIGITAL_SIGNATURE) === false)
    throw refused('its key is not for signatures');
}

function checkIssuer(issuer: Certificate, path: readonly Certificate[], now: number): void {
  checkAny(issuer, now);
  if (issuer.authority === undefined) throw refused('its issuer is no CA');
  if (issuer.keyUsage?.has(KEY_CERT_SIGN) === false)
    throw refused('its issuer may not sign certificates');
  // CAs that only renewed themselves do not count.
  const below = path.slice(1).filter(({ subject, issuer: by }) => !subject.equals(by)).length;
  if (below > issuer.authority.pathLength) throw refused('too many CAs below one of them');
}

function checkAny({ x509, key, extensions, purposes }: Certificate, now: number): void {
  // NaN, for a time that is none, is neither.
  if (!(Date.parse(x509.validFrom) <= now)) throw refused('a certificate is not valid yet');
  if (!(now <= Date.parse(x509.validTo))) throw refused('a certificate has expired');
  if (purposes?.includes(CLIENT_AUTH) === false) throw refused('a certificate is not for clients');
  if (extensions.has(EXTENSION.nameConstraints)) throw refused('name constraints are not judged');
  for (const [oid, { critical }] of extensions)
    if (critical && !KNOWN.has(oid)) throw refused(`extension ${oid} is not known`);
  const { asymmetricKeyType = '', asymmetricKeyDetails } = key;
  const bits = asymmetricKeyDetails?.modulusLength ?? RSA_BITS_MIN;
  if (!/^(rsa|rsa-pss|ec|ed25519|ed448)$/.test(asymmetricKeyType) || bits < RSA_BITS_MIN)
    throw refused('a key is too weak');
}

function parse(der: Buffer): Certificate {
  try {
    return certificateOf(der);
  } catch (error) {
    throw new Permanent('a certificate is malformed', { cause: error });
  }
}

function refused(why: string): Permanent {
  return new Permanent(why);
}
