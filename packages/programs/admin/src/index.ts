export { newmrhMain } from './compile/newmrh.ts';
export { newuMain } from './compile/newu.ts';
export { frontDoorMain } from './front-door.ts';
export { qfsckMain } from './queue/fsck/qfsck.ts';
export { qmanageMain } from './queue/manage/qmanage.ts';
export { qreadMain } from './queue/qread.ts';
export { qstatMain } from './queue/qstat.ts';
export { tcpokMain, tcptoMain } from './queue/tcpto.ts';
export { showctlMain } from './showctl/showctl.ts';
