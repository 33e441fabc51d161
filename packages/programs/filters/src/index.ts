export { bouncesayingMain } from './bouncesaying.ts';
export { condredirectMain } from './condredirect.ts';
export { exceptMain } from './except.ts';
export { forwardMain } from './forward.ts';
export { ifaddrMain, iftoccfromMain, iftoccMain } from './ifaddr.ts';
export { prelineMain } from './preline.ts';
export { qbiffMain } from './qbiff.ts';
export { qreceiptMain } from './qreceipt.ts';
export { replierMain } from './replier.ts';
