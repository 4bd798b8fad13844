/** What a search asks of a message, as a tree. */
export type Query =
  | { readonly kind: 'all' | 'any'; readonly of: readonly Query[] }
  | { readonly kind: 'not'; readonly of: Query }
  | WordsQuery
  /** Two runs of words with at most `within` other words between them. */
  | {
      readonly kind: 'around';
      readonly field: TextField;
      readonly words: readonly (readonly string[])[];
      readonly within: number;
      /** Whether the first run must stand before the second. */
      readonly isOrdered: boolean;
    }
  /** The mailbox's own address. */
  | { readonly kind: 'me'; readonly field: TextField }
  /** A label, by its name or id as the search writes it. `mustExist`: otherwise the search asks for something else. */
  | { readonly kind: 'label'; readonly name: string; readonly mustExist: boolean }
  | { readonly kind: 'state'; readonly is: State }
  | { readonly kind: 'message-id'; readonly id: string }
  /** `at` is epoch ms. */
  | { readonly kind: 'before' | 'from-on'; readonly at: number }
  | { readonly kind: 'larger' | 'smaller'; readonly bytes: number };

/** Words that stand side by side in a text. */
export interface WordsQuery {
  readonly kind: 'words';
  readonly field: TextField;
  readonly words: readonly string[];
}

/** A text of a message. `any` means each of the others but `deliveredto` and `list`, and the body. */
export type TextField = 'any' | 'from' | 'to' | 'cc' | 'bcc' | 'subject' | 'deliveredto' | 'list' | 'filename';

/** What a search can ask of a message besides its texts and its labels. */
export type State = 'anywhere' | 'archived' | 'read' | 'with-attachment' | 'with-user-label';

/**
 * Whether a search asks for spam or trash, or for mail anywhere. Otherwise Gmail leaves both out. What follows a minus
 * does not ask.
 */
export function asksForHidden(query: Query): boolean {
  switch (query.kind) {
    case 'all':
    case 'any':
      return query.of.some(asksForHidden);
    case 'label':
      return query.name === 'spam' || query.name === 'trash';
    case 'state':
      return query.is === 'anywhere';
    case 'not':
    case 'words':
    case 'around':
    case 'me':
    case 'message-id':
    case 'before':
    case 'from-on':
    case 'larger':
    case 'smaller':
      return false;
  }
}
