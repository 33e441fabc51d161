// Bounds of the domain tools, each with its reason.

/** Bytes of a password line. checkvpw takes 512 bytes for name, password and stamp together. */
export const PASSWORD_MAX = 480;
