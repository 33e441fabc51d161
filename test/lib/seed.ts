// The seed of the tests that draw what they do. It is the same in every run, so that CI says of a change, and not of a
// throw, whether it is good; SEED=random hunts for more, and SEED=7 repeats what a hunt has found.

const given = process.env.SEED ?? '1';

/** For generator() of fault-shim/fault-plan.ts. */
export const SEED = given === 'random' ? Math.floor(Math.random() * 1e9) : Number(given);

if (!Number.isInteger(SEED)) throw new Error(`SEED is a number or "random", not "${given}"`);
