// How messages of the history look when they are listed outside a chat, as lines
// and as JSON, and how a long list of them reaches a reader: no faster than it
// reads. It knows nothing of where they come from.
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import type { HistoryEntry } from './chat-api.ts'
import { cleanText, escapedJson } from './clean-text.ts'
import { entryJson } from './json/event-json.ts'
import { markedEntryLines } from './wording.ts'

export interface HistoryFormat {
  readonly asJson: boolean
  readonly name: (peer: string) => string
}

/** One message as it is written to standard output, without its last line break. */
export function entryText(entry: HistoryEntry, { asJson, name }: HistoryFormat): string {
  const who = name(entry.message.peer)
  if (asJson) return escapedJson(entryJson(entry, who))
  return markedEntryLines(entry, who)
    .map((line) => cleanText(line))
    .join('\n')
}

/**
 * Writes messages and waits until there is room for more.
 *
 * @throws the signal's reason, also when the reader has gone
 */
export async function writeEntries(
  output: Writable,
  entries: readonly HistoryEntry[],
  format: HistoryFormat,
  signal: AbortSignal
): Promise<void> {
  for (const entry of entries) {
    signal.throwIfAborted()
    if (!output.write(`${entryText(entry, format)}\n`) && !output.destroyed) await once(output, 'drain', { signal })
  }
}
