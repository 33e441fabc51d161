export { Conn, type ConnOptions, connOf, connOfAccepted, type Secure } from './conn.ts';
export { connectTo } from './connect.ts';
export { type Endpoint, endpointText, inheritedEndpoints, parseEndpoint } from './endpoint.ts';
export { Disconnected, LineTooLong, Timeout } from './errors.ts';
export { networkOf } from './gate.ts';
export {
  type Channel,
  descriptorOf,
  type HeldSocket,
  heldSocketOf,
  heldSocketOfFd,
  passSocket,
  sendSocket,
  socketOfHeld,
} from './handover.ts';
export { type Listener, type ListenOptions, listen } from './listener.ts';
export { listenFlags, listenOptionsOf } from './options.ts';
export { type Peer, peerFromEnv, plainIp, socketEnv } from './peer.ts';
export { type Caller, decodeRule, Rules, ruleKeys, type Verdict } from './rules.ts';
export { type Place, type Session, type StdioOptions, serveStdio } from './stdio.ts';
export { openTunnel } from './tunnel.ts';
