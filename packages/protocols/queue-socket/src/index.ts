export {
  connectQueue,
  openSocketWriter,
  type Queue,
  type QueueOptions,
  queueSocketPath,
} from './client.ts';
export { type EnvelopeAwareSink, queueDescriptors } from './descriptors.ts';
export { QueueExit, queueExitText } from './exit-text.ts';
export {
  type Queued,
  type QueueHandlers,
  type QueueSink,
  queueExitOf,
  refuse,
  type ServeOptions,
  serveQueueConnection,
} from './server.ts';
export type { QueueResult, QueueWriter, RawQueueWriter } from './writer.ts';
