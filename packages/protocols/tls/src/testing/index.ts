export { type Authority, makeAuthority } from './authority.ts';
export { hasOpenssl, makeCertificate } from './certificate.ts';
