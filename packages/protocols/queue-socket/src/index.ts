export {
  connectQueue,
  openSocketWriter,
  type Queue,
  type QueueOptions,
  queueSocketPath,
} from './client.ts';
export { QueueExit, queueExitText } from './exit-text.ts';
export { MESSAGE_SECONDS } from './limits.ts';
export {
  type Queued,
  type QueueHandlers,
  type QueueSink,
  type ServeOptions,
  serveQueueConnection,
} from './server.ts';
export type { QueueResult, QueueWriter, RawQueueWriter } from './writer.ts';
