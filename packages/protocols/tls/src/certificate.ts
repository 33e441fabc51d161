// What RFC 5280 has a verifier look at in a certificate, and Node does not show: names as they were signed, and extensions.
//
//   Certificate    ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue BIT STRING }
//   TBSCertificate ::= SEQUENCE { [0] version, serialNumber, signature, issuer Name, validity, subject Name,
//                                 subjectPublicKeyInfo, [1] [2] unique ids, [3] SEQUENCE OF Extension }
//   Name           ::= SEQUENCE OF SET OF SEQUENCE { type OID, value }
//   Extension      ::= SEQUENCE { extnID OID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }

import { type KeyObject, X509Certificate } from 'node:crypto';
import { type Element, elementsOf, insideOf, oidOf, TAG } from './der.ts';

/** A part of a name, such as CN. */
interface Attribute {
  readonly oid: string;
  /** The bytes of its text; undefined for a kind of text that is not read. */
  readonly text: Buffer | undefined;
}

interface Extension {
  readonly critical: boolean;
  readonly value: Buffer;
}

export interface Certificate {
  readonly x509: X509Certificate;
  readonly key: KeyObject;
  /** As they were signed. */
  readonly subject: Buffer;
  readonly issuer: Buffer;
  readonly attributes: readonly Attribute[];
  /** By OID. */
  readonly extensions: ReadonlyMap<string, Extension>;
  /** Of basicConstraints; undefined: no CA. Without a path length there may be any number of CAs below. */
  readonly authority: { readonly pathLength: number } | undefined;
  /** The bits of keyUsage, from 0 for digitalSignature; undefined: any. */
  readonly keyUsage: ReadonlySet<number> | undefined;
  /** The OIDs of extKeyUsage; undefined: any. */
  readonly purposes: readonly string[] | undefined;
  /** The OID of the algorithm of its signature. */
  readonly signedBy: string;
}

export const EXTENSION = {
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  certificatePolicies: '2.5.29.32',
  extKeyUsage: '2.5.29.37',
} as const;

/** Throws Error for what is no certificate of version 3. */
export function certificateOf(der: Buffer): Certificate {
  const x509 = new X509Certificate(der);
  const [tbs, algorithm] = insideOf(x509.raw, TAG.sequence);
  if (tbs === undefined || algorithm === undefined) throw new Error('no certificate');
  const [version, , , issuer, , subject, , ...rest] = elementsOf(tbs.content);
  if (version?.tag !== VERSION || issuer === undefined || subject === undefined)
    throw new Error('no certificate of version 3');
  const wrapped = rest.find(({ tag }) => tag === EXTENSIONS);
  const extensions = extensionsOf(wrapped?.content);
  const extensionValue = (oid: string) => extensions.get(oid)?.value;
  return {
    x509,
    key: x509.publicKey,
    subject: subject.raw,
    issuer: issuer.raw,
    attributes: attributesOf(subject),
    extensions,
    authority: authorityOf(extensionValue(EXTENSION.basicConstraints)),
    keyUsage: keyUsageOf(extensionValue(EXTENSION.keyUsage)),
    purposes: purposesOf(extensionValue(EXTENSION.extKeyUsage)),
    signedBy: oidIn(elementsOf(algorithm.content)[0]),
  };
}

// --- internal ---

const VERSION = 0xa0;
const EXTENSIONS = 0xa3;

/** Kinds of text that are bytes of UTF-8; T61 and UCS-2 are of another time. */
const TEXTS: readonly number[] = [TAG.utf8String, TAG.printableString, TAG.ia5String];

function attributesOf(name: Element): readonly Attribute[] {
  const parts = elementsOf(name.content).flatMap((set) => elementsOf(set.content));
  return parts.map((part) => {
    const [type, value] = elementsOf(part.content);
    const text = value !== undefined && TEXTS.includes(value.tag) ? value.content : undefined;
    return { oid: oidIn(type), text };
  });
}

function extensionsOf(wrapped: Buffer | undefined): ReadonlyMap<string, Extension> {
  const found = new Map<string, Extension>();
  if (wrapped === undefined) return found;
  for (const { content } of insideOf(wrapped, TAG.sequence)) {
    const [type, ...rest] = elementsOf(content);
    const [critical, value] = rest.length === 2 ? rest : [undefined, rest[0]];
    const oid = oidIn(type);
    if (value?.tag !== TAG.octetString || found.has(oid)) throw new Error('bad extensions');
    if (critical !== undefined && critical.tag !== TAG.boolean) throw new Error('bad extensions');
    // Anything but 0, which is no DER, is taken for true: that refuses more.
    found.set(oid, { critical: (critical?.content[0] ?? 0) !== 0, value: value.content });
  }
  return found;
}

/** BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL } */
function authorityOf(value: Buffer | undefined): Certificate['authority'] {
  if (value === undefined) return undefined;
  const [ca, length, ...more] = insideOf(value, TAG.sequence);
  if (ca === undefined) return undefined;
  if (ca.tag !== TAG.boolean || ca.content[0] !== 0xff || more.length > 0)
    throw new Error('bad basicConstraints');
  if (length === undefined) return { pathLength: Number.POSITIVE_INFINITY };
  const [number] = length.content;
  if (length.tag !== TAG.integer || length.content.length !== 1 || (number ?? 0x80) >= 0x80)
    throw new Error('bad basicConstraints');
  return { pathLength: number as number };
}

/** KeyUsage ::= BIT STRING, whose first byte counts the bits of the last one that do not count */
function keyUsageOf(value: Buffer | undefined): ReadonlySet<number> | undefined {
  if (value === undefined) return undefined;
  const [bits, ...more] = elementsOf(value);
  if (bits?.tag !== TAG.bitString || more.length > 0) throw new Error('bad keyUsage');
  const bytes = bits.content.subarray(1);
  const found = new Set<number>();
  for (const [index, byte] of bytes.entries())
    for (let bit = 0; bit < 8; bit++) if (byte & (0x80 >> bit)) found.add(index * 8 + bit);
  return found;
}

function purposesOf(value: Buffer | undefined): readonly string[] | undefined {
  return value && insideOf(value, TAG.sequence).map(oidIn);
}

function oidIn(element: Element | undefined): string {
  if (element?.tag !== TAG.oid) throw new Error('no OID');
  return oidOf(element.content);
}
