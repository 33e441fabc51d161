export { sendmailMain } from './sendmail.ts';
