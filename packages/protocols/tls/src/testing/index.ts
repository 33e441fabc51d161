export { hasOpenssl, makeCertificate } from './certificate.ts';
