// Bounds on what is taken from a control file. Root writes these files, so they guard against accidents only.

/** The most bytes a control file may have: lists of some hundred thousand domains fit, a device or a log does not. */
export const CONTROL_FILE_MAX = 64 * 1024 * 1024;
