// The life of a ChatNode within one command: configured, started, open to other
// commands on its profile, used, and stopped in bounded time whatever happened.
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChatNode } from '../../node/index.ts'
import { ConversationScreens } from '../chat-api/conversation-screens.ts'
import { serveControl } from '../control/index.ts'
import { compileOptimized, releaseMemoryAtRest } from '../process/memory-at-rest.ts'
import type { Config, Unlocker } from '../../node/settings.ts'

/** Stopping says goodbye to everybody; a network that hangs must not hold the program. */
const STOP_TIMEOUT_MS = 5000

export interface ChatNodeUse<T> {
  readonly config: Config
  /** A person sits at it: a profile that is in use gives way to the next free one. */
  readonly interactive: boolean
  /** The command that the node ends with, where it is not a person who ends it: others wait for that. */
  readonly command?: string
  /** Look without being seen. */
  readonly observe?: boolean
  /** Finds the passphrase of a profile that has one; without it such a profile is refused. */
  readonly unlock?: Unlocker
  /** Called before the node starts, so that nothing it tells is missed. */
  readonly prepare?: (node: ChatNode, screens: ConversationScreens) => void
  readonly run: (node: ChatNode, screens: ConversationScreens) => Promise<T>
}

export async function withChatNode<T>(use: ChatNodeUse<T>): Promise<T> {
  compileOptimized()
  const { ChatNode } = await import('../../node/index.ts')
  const { config, interactive, observe = false, unlock } = use
  const node = await ChatNode.create({ config, interactive, observe, ...(unlock === undefined ? {} : { unlock }) })
  const screens = new ConversationScreens(node)
  const endReleasing = releaseMemoryAtRest()
  let endControl: (() => Promise<void>) | undefined
  try {
    use.prepare?.(node, screens)
    await node.start()
    if (!observe) endControl = await serveControl(node, config, screens, use.command)
    return await use.run(node, screens)
  } finally {
    endReleasing()
    // First: the next holder of the profile makes its own socket in the same place.
    await inBoundedTime(endControl?.() ?? Promise.resolve())
    await inBoundedTime(node.stop())
  }
}

/** Waits for what says goodbye to others, but not for others who don't answer. */
export async function inBoundedTime(stopping: Promise<void>): Promise<void> {
  await Promise.race([stopping, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })])
}
