export { Alarm } from './alarm.ts';
export { Arrivals, type Source } from './arrivals.ts';
export { giveBackRoom, ROOM_SIZE, takeRoom } from './rooms.ts';
export { adoptSocket, type SocketSource, socketOf } from './socket-source.ts';
