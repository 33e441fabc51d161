// Installs and builds, and nothing else: what CI's static checks need.
import { prepare } from './prepare.mjs';

prepare();
