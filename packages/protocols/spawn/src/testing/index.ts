export { buildExecutables } from './executables.ts';
export { SpawnerProcess } from './spawner-process.ts';
