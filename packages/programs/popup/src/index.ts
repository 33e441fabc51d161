export { popupMain } from './popup.ts';
