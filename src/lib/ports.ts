// Port numbers, of TCP and UDP alike.

/** The highest port: it has 16 bits. */
export const MAX_PORT = 65_535

/** Whether the number names a port. 0 names none: it asks the system for any that is free. */
export function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port <= MAX_PORT
}
