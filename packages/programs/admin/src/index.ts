export { frontDoorMain } from './front-door.ts';
