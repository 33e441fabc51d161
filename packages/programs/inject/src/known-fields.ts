// The header fields that mean something to qmail-inject: qmail-header(5).

export interface KnownField {
  /** Its addresses are rewritten, and used so. */
  readonly addresses?: 'recipients' | 'resent recipients' | 'return path' | 'senders';
  /** Its addresses may ask for a Mail-Followup-To. */
  readonly followUp?: true;
  /** It says that the message is resent. */
  readonly resent?: true;
  /** It does not go out. */
  readonly removed?: true;
}

/** By name in lower case; of the others only the presence of some matters. */
export const KNOWN_FIELDS: ReadonlyMap<string, KnownField> = new Map<string, KnownField>([
  ['to', { addresses: 'recipients', followUp: true }],
  ['cc', { addresses: 'recipients', followUp: true }],
  ['bcc', { addresses: 'recipients', removed: true }],
  ['apparently-to', { addresses: 'recipients' }],
  ['resent-to', { addresses: 'resent recipients', resent: true }],
  ['resent-cc', { addresses: 'resent recipients', resent: true }],
  ['resent-bcc', { addresses: 'resent recipients', resent: true, removed: true }],
  ['return-path', { addresses: 'return path', removed: true }],
  ['sender', { addresses: 'senders' }],
  ['from', { addresses: 'senders' }],
  ['reply-to', { addresses: 'senders' }],
  ['return-receipt-to', { addresses: 'senders' }],
  ['errors-to', { addresses: 'senders' }],
  ['resent-sender', { addresses: 'senders', resent: true }],
  ['resent-from', { addresses: 'senders', resent: true }],
  ['resent-reply-to', { addresses: 'senders', resent: true }],
  ['resent-date', { resent: true }],
  ['resent-message-id', { resent: true }],
  ['date', {}],
  ['message-id', {}],
  ['mail-followup-to', {}],
  // It is wrong as soon as anything on the way changes a byte, and some readers believe it.
  ['content-length', { removed: true }],
]);
