export { checkvpwMain } from './checkvpw.ts';
