/** What a person does in the browser, without one: answers Google's question, and follows the redirect. */

export type Decision = { readonly account: string; readonly scopes?: readonly string[] } | 'deny';

/** @returns where Google sends the browser */
export async function answerConsent(link: string, decision: Decision): Promise<string> {
  const page = await fetch(link);
  if (page.status !== 200) throw new Error(`the consent screen says ${page.status}: ${await page.text()}`);
  const form = new URLSearchParams(
    decision === 'deny' ? { decision: 'deny' } : { decision: 'allow', account: decision.account },
  );
  if (decision !== 'deny') for (const scope of decision.scopes ?? []) form.append('scope', scope);
  const answer = await fetch(link, { method: 'POST', body: form, redirect: 'manual' });
  const location = answer.headers.get('location');
  if (answer.status !== 302 || location === null) throw new Error(`no redirect: ${answer.status}`);
  return location;
}
