// A rendering that depends on all that it is made of.

import { encodeMessage } from '@q/mime';
import { encodeFacts } from '../facts.ts';
import type { Renderer } from '../model.ts';

export const testRenderer: Renderer = {
  version: 7,
  render: (facts, structure) =>
    Buffer.concat([Buffer.from([7]), encodeFacts(facts), encodeMessage(structure)]),
};
