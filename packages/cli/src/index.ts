export { type OptionSpec, type ProgramSpec, run } from './run.ts';
