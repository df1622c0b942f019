// Both message stores, for the tests that hold for either.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryStore, SqliteStore } from '../../src/storage/index.ts'
import type { MessageStore } from '../../src/storage/index.ts'

export interface StoreKind {
  readonly kind: string
  open(now?: () => number): Promise<MessageStore>
}

const opened: { readonly store: MessageStore; readonly folder?: string }[] = []

export const storeKinds: readonly StoreKind[] = [
  {
    kind: 'memory',
    async open(now = Date.now) {
      const store = new MemoryStore({ now })
      opened.push({ store })
      return store
    }
  },
  {
    kind: 'a file',
    async open(now = Date.now) {
      const folder = mkdtempSync(join(tmpdir(), 'parley-store-'))
      const store = await SqliteStore.open(join(folder, 'history.db'), { now })
      opened.push({ store, folder })
      return store
    }
  }
]

/** Closes all stores that were opened and removes their files. */
export async function closeStores(): Promise<void> {
  for (const { store, folder } of opened.splice(0)) {
    await store.close()
    if (folder !== undefined) rmSync(folder, { recursive: true })
  }
}

/** The peer of a conversation. */
export const peer = 'peer'

/** The nth message of that peer. */
export const incoming = (n: number) => ({ id: `id${n}`, log: 'log', seq: n, sentAtMs: n, text: `text ${n}` })

export const accepted = { state: 'accepted', lan: false, storedAtMs: 0 } as const

export function texts(messages: readonly { readonly text: string }[]): readonly string[] {
  return messages.map(({ text }) => text)
}

export function entryTexts(entries: readonly { readonly message: { readonly text: string } }[]): readonly string[] {
  return entries.map(({ message }) => message.text)
}
