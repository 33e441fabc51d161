export { WORKERS_TOTAL } from './limits.ts';
export { type PoolLimits, WorkerPool } from './pool.ts';
export { serveCalls } from './serve.ts';
export type { Worker, WorkerRequest } from './worker.ts';
