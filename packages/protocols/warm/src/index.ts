export { WORKERS_TOTAL } from './limits.ts';
export { type PoolLimits, WorkerPool } from './pool.ts';
export { type CallFiles, NeedsFiles, serveCalls } from './serve.ts';
export type { Called, Worker, WorkerRequest } from './worker.ts';
