export { mailbox } from './mailbox.ts';
