import { totalmem } from 'node:os';

/** How much memory a process may use. */
export interface MemoryLimit {
  readonly bytes: number;
  /** Whether the limit is that of a container, which holds little else. Otherwise it is all that the machine has. */
  readonly isContainer: boolean;
}

/** The memory of the container in which this process runs, or of the machine. */
export function memoryLimit(): MemoryLimit {
  const machine = totalmem();
  const container = process.constrainedMemory();
  // Without a limit, the operating system answers 0 or a number beyond any machine's memory.
  const isContainer = container > 0 && container < machine;
  return { bytes: isContainer ? container : machine, isContainer };
}
