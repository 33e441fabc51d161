export { type Candidate, candidateNames, type OwnerNames, ownerNames } from './candidates.ts';
export { type DotQmailOptions, type Instruction, parseDotQmail } from './instructions.ts';
