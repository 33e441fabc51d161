export { type DeliveryCommand, DeliveryDecoder, encodeDelivery } from './command.ts';
export { type ProcessReport, processReport, type Ran, runOnMessage } from './delivery-process.ts';
export { FIELD_MAX, MESSAGE_NAME_MAX, REPORT_MAX, SLOT_MAX, SPAWN_LIMIT } from './limits.ts';
export { REFUSAL, refusalOf } from './refusal.ts';
export { encodeReport, encodeSpawnLimit, type Report, ReportDecoder } from './report.ts';
export { type Delivery, runSpawner, type SpawnerOptions } from './spawner.ts';
export { inputOf, outputOf } from './streams.ts';
