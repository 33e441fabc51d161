// Bounds on what a delivered message can make its reader hold or do, and why. Nothing here refuses a message: what lies
// beyond a bound is opaque text of the innermost part, or is left out of what is derived from the header.

/** How deep parts may lie in parts, the message itself counted. Real mail has under ten; walks over the tree may recurse. */
export const DEPTH_MAX = 100;

/** The most parts of a message: a digest of thousands of messages still fits, and a tree of a few megabytes. */
export const PARTS_MAX = 10_000;

/**
 * The most bytes of a boundary. RFC 2046 allows 70, but a longer one is read too. A line's first BOUNDARY_MAX + 4 bytes
 * decide what it is, so no more of one is held between two chunks.
 */
export const BOUNDARY_MAX = 1000;

/** The most bytes of a header line held between two chunks; above BOUNDARY_MAX + 4, so that a boundary is seen whole. */
export const LINE_HEAD_MAX = 2048;

/** The most bytes kept of one field: 2,000 recipients of 64 bytes, 1,700 message ids. */
export const FIELD_MAX = 128 * 1024;

/** The most bytes of fields kept in a whole message: 10,000 parts with 400 bytes of MIME fields each. */
export const FIELDS_MAX = 4 * 1024 * 1024;

/** The most addresses of one field in an envelope; FIELD_MAX alone allows 60,000 like "a,a,a". */
export const ADDRESSES_MAX = 5_000;

/** The most parameters of one field, and segments of an RFC 2231 parameter (`*0` to `*999`). */
export const PARAMETERS_MAX = 1_000;

/** The most languages of a Content-Language field. */
export const LANGUAGES_MAX = 100;

/** The most message ids taken from one field: the first, which names the thread, and the last ones, which place it. */
export const MESSAGE_IDS_MAX = 200;

/** The most bytes of one message id: a header line's length (RFC 5322, 2.1.1). A longer one is none. */
export const MESSAGE_ID_MAX = 998;

/** The most characters of a subject that its base subject is made from. */
export const SUBJECT_MAX = 8192;

/** How many bytes of a file lie between two remembered places: a partial fetch reads at most so much in vain. */
export const CHECKPOINT_STEP = 256 * 1024;

/** Blanks that may stand at the end of a quoted-printable line and be dropped; a longer run is data. */
export const QP_BLANKS_MAX = 1000;

/** Characters of decoded text that a preview is looked for in. */
export const PREVIEW_SCAN_MAX = 64 * 1024;

/** Characters of a preview (RFC 8970, 3.2: at most 200 by the server's own choice, never above 256). */
export const PREVIEW_MAX = 200;
