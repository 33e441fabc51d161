export { asciiEqual, asciiLower, bytesOf, textOf } from './ascii.ts';
export { LineSplitter } from './lines.ts';
export { decodeModifiedUtf7, encodeModifiedUtf7 } from './modified-utf7.ts';
export { encodeNetstring, NetstringDecoder, netstringHeader } from './netstring.ts';
export { joinNul, splitNul } from './nul-records.ts';
