export { queueMain } from './main.ts';
