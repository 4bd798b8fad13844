/** Describes and reads one message of 25 MB, and prints what it found and the most memory that it took in bytes. */
import { contentOf } from '../../src/reading/decode-body.ts';
import { describeBody } from '../../src/store/headers/describe-body.ts';

const SIZE = 25 * 2 ** 20;
const content = Buffer.alloc(SIZE, process.argv[2] === 'base64' ? `${'A'.repeat(76)}\r\n` : '\n');
const head = 'Subject: huge\r\nContent-Type: multipart/mixed; boundary=h\r\n\r\n--h\r\nContent-Type: image/png\r\n';
const raw = Buffer.concat([
  Buffer.from(`${head}Content-Transfer-Encoding: base64\r\n\r\n`),
  content,
  Buffer.from('\r\n--h--\r\n'),
]);

/** The most memory (bytes) that this process has ever held. */
const peak = (): number => process.resourceUsage().maxRSS * 2 ** 10;
const before = peak();
const described = await describeBody('raw', raw);
await contentOf('raw', raw, (name) => new Error(name)).text();
process.stdout.write(
  JSON.stringify({ subject: described?.subject, hasAttachments: described?.hasAttachments, took: peak() - before }),
);
