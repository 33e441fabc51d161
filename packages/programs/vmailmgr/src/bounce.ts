// A reason to give the message back to its sender.

import { Permanent } from '@q/fault';

/**
 * The only error that bounces. Every other one, Permanent or not, is trouble on this host (a table that may
 * not be read, a setting that is a directory): mail waits until somebody has repaired it.
 */
export class Bounce extends Permanent {}
