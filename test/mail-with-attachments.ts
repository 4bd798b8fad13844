/** An attachment of a test's mail. */
export interface TestAttachment {
  readonly name: string;
  readonly type?: string;
  readonly content: string | Buffer;
  /** base64, as mail programs do, when not given. */
  readonly encoding?: 'base64' | '8bit';
}

/** RFC 822 text of a message with a text and attachments. */
export function mailWithAttachments({
  subject,
  text,
  attachments,
}: {
  readonly subject: string;
  readonly text: string;
  readonly attachments: readonly TestAttachment[];
}): string {
  const head = `From: someone@example.com\r\nSubject: ${subject}\r\n`;
  if (attachments.length === 0) return `${head}\r\n${text}\r\n`;
  const parts = [`Content-Type: text/plain; charset=utf-8\r\n\r\n${text}`, ...attachments.map(partOf)];
  return `${head}Content-Type: multipart/mixed; boundary=cut\r\n\r\n${parts.map((part) => `--cut\r\n${part}\r\n`).join('')}--cut--\r\n`;
}

function partOf({ name, type = 'application/octet-stream', content, encoding = 'base64' }: TestAttachment): string {
  const bytes = Buffer.from(content);
  const body = encoding === 'base64' ? bytes.toString('base64').replace(/.{76}/g, '$&\r\n') : bytes.toString('latin1');
  return `Content-Type: ${type}; name="${name}"\r\nContent-Disposition: attachment; filename="${name}"\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${body}`;
}
