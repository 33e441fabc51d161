export { injectMain } from './inject.ts';
export { mailsubjMain } from './mailsubj.ts';
export { datemailMain, predateMain } from './predate.ts';
