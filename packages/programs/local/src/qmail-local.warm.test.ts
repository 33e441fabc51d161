// All that holds for a qmail-local of one delivery holds for one that makes many: the same table of tests.

import { afterAll } from 'vitest';
import { endWarmForm, useWarmForm } from './testing/recipient.ts';

useWarmForm();
afterAll(endWarmForm);
await import('./qmail-local.test.ts');
