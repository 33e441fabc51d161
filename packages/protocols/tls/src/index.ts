export { ClientCertificates, type TrustSet } from './client-certificates.ts';
export { CLIENT_SETTINGS, type ClientTerms, clientTermsOf } from './client-terms.ts';
export { KeyFiles, type KeyPair, type KeySet } from './key-files.ts';
export { ServerContexts } from './server-contexts.ts';
export { startTlsOf } from './start-tls.ts';
export { TrustFiles } from './trust-files.ts';
