// The names that fragments of pages take from the application around them: test/docs/snippets.test.ts.
import type { Config, FeedChange, FeedCursor, Tidemark } from 'tidemark';
import type { Log } from 'tidemark/worker';

declare global {
  const config: Config;
  const log: Log;
  const tidemark: Tidemark;
  /** The JSON of an OAuth client. */
  const client: string;
  /** What the application's web server was asked. */
  const request: Request;
  /** The cursor that was saved last. */
  const saved: FeedCursor;
  const save: (cursor: FeedCursor) => Promise<void>;
  const work: (change: FeedChange) => Promise<void>;
}
