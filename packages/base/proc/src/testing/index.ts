export { bundlePrograms } from './bundle.ts';
