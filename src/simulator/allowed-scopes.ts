import type { ApiMethod } from './method-prices.ts';

/** https://developers.google.com/workspace/gmail/api/auth/scopes */
export const FULL_ACCESS = 'https://mail.google.com/';
const SCOPE = 'https://www.googleapis.com/auth/gmail.';

const PERMANENT = new Set<ApiMethod>(['messages.delete', 'messages.batchDelete', 'threads.delete']);
const SENDING = new Set<ApiMethod>(['messages.send', 'drafts.send']);
const READING = new Set<ApiMethod>(['messages.attachments.get', 'drafts.get', 'drafts.list']);
const METADATA = new Set<ApiMethod>([
  'getProfile',
  'labels.list',
  'labels.get',
  'messages.list',
  'messages.get',
  'threads.list',
  'threads.get',
  'history.list',
  'watch',
  'stop',
]);

/** Whether a grant with these scopes may call the method at all. */
export function allows(scopes: readonly string[], method: ApiMethod): boolean {
  if (scopes.includes(FULL_ACCESS)) return true;
  if (PERMANENT.has(method)) return false;
  const enough = ['modify'];
  if (READING.has(method) || METADATA.has(method)) enough.push('readonly');
  if (METADATA.has(method)) enough.push('metadata');
  if (SENDING.has(method)) enough.push('send', 'compose');
  if (method.startsWith('drafts.')) enough.push('compose');
  if (method.startsWith('labels.')) enough.push('labels');
  if (method === 'messages.insert' || method === 'messages.import') enough.push('insert');
  return enough.some((name) => scopes.includes(SCOPE + name));
}

/**
 * gmail.metadata forbids searches and bodies, even together with wider scopes:
 * https://github.com/googleapis/google-api-python-client/issues/582
 */
export function isUnderMetadata(scopes: readonly string[]): boolean {
  return scopes.includes(`${SCOPE}metadata`);
}
