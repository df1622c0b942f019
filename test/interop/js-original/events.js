/**
 * What this peer tells the program that runs it: one JSON object a line on standard
 * output, and nothing else there.
 *
 * @param {Record<string, unknown> & { event: string }} event
 */
export function emit(event) {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}
