// The thread of a MessageReader, as a program, with a renderer that shows that it was used.

import { serveReader } from '../reader-thread.ts';
import { testRenderer } from './test-renderer.ts';

void serveReader(testRenderer);
