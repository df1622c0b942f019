// Clients that send one message each from the profile of a chat: a script with `parley send`, and a program on the control
// socket. Both go on when the chat is killed, and tell of the message that they were answered with.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { entryPoint, nodePath } from '../processes/parley-process.ts'

export interface ClientInit {
  /** Of the profile's user. */
  readonly home: string
  readonly env: NodeJS.ProcessEnv
  readonly profile: string
  /** The receiver's, with its peer ID. */
  readonly address: string
  readonly text: string
}

/** How a client ended. */
export type Told =
  /** It was promised that this message is kept. */
  { readonly id: string } | { readonly id: undefined; readonly why: string }

const sendWaitSeconds = 60
const messageIdBytes = 16
/** A chat that is killed is started again at once. */
const askAgainMs = 50

export async function sendByCommand({ env, profile, address, text }: ClientInit): Promise<Told> {
  const args = ['send', '--json', '--profile', profile, '--wait', String(sendWaitSeconds), address, text]
  const { promise, resolve } = Promise.withResolvers<Told>()
  execFile(nodePath, [entryPoint, ...args], { env }, (error, stdout, stderr) => {
    // What `parley send --json` prints, as the manual has it.
    if (error === null) resolve({ id: String((JSON.parse(stdout) as { readonly id: unknown }).id) })
    else resolve({ id: undefined, why: `send ended with ${error.code}: ${stderr.trim() || stdout.trim()}` })
  })
  return promise
}

export async function sendBySocket({ home, address, text }: ClientInit): Promise<Told> {
  const id = randomBytes(messageIdBytes).toString('hex')
  for (;;) {
    const answer = await ask(home, { do: 'msg', peer: address, text, id, tag: id })
    if (answer?.event === 'error') return { id: undefined, why: `the socket answered ${JSON.stringify(answer)}` }
    if (answer?.message !== undefined) return { id: answer.message.id }
    await sleep(askAgainMs)
  }
}

/** The fields of an answer that are read here. */
interface Answer {
  readonly event: string
  readonly tag?: unknown
  readonly message?: { readonly id: string }
}

/** @returns undefined when nobody listens, or the holder has ended before it answered */
async function ask(home: string, command: Readonly<Record<string, string>>): Promise<Answer | undefined> {
  const folder = join(home, 'data', 'parley', 'run')
  const names = await readdir(folder).catch(() => [])
  const name = names.find((one) => one.endsWith('.sock'))
  if (name === undefined) return undefined
  const socket = connect(join(folder, name))
  try {
    await once(socket, 'connect')
    const lines = createInterface({ input: socket })
    socket.on('error', () => undefined) // its end says as much
    socket.once('close', () => lines.close())
    socket.write(`${JSON.stringify(command)}\n`)
    for await (const line of lines) {
      const answer = JSON.parse(line) as Answer
      if (answer.tag === command['tag']) return answer
    }
  } catch {
    // It was killed, perhaps in the middle of a line: the next one is asked.
  } finally {
    socket.destroy()
  }
  return undefined
}
