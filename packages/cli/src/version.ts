/** The version all executables report. */
export const VERSION = '0.1.0';
