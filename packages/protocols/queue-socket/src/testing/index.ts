export { type FakeQueue, fakeQueue } from './fake-queue.ts';
