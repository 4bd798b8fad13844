/**
 * `tidemark/workflows`: the workflow of a mailbox, for a bundle that holds a product's own workflows, too. Everything
 * in it runs in Temporal's sandbox: import it from workflow code only.
 *
 * @packageDocumentation
 */
export { mailbox } from '../workflows/index.ts';
