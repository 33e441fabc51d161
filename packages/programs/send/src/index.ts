export { cleanMain } from './clean-main.ts';
export { sendMain } from './send-main.ts';
export { startMain } from './start-main.ts';
