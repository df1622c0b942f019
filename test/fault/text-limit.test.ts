// The longest text there is: it arrives whole, and one byte more is refused
// before anything is stored or sent, with the limit named.
import { afterEach, expect, test } from 'vitest'
import { JsonParley } from './json-parley.ts'

const maxTextBytes = 64 * 1024
const usageExitCode = 2

let running: JsonParley[] = []

afterEach(async () => {
  await Promise.all(running.map(async (parley) => parley.stop()))
  running = []
})

test('64 KiB of text passes, and one byte more is refused before sending', async () => {
  running = await Promise.all([JsonParley.start(), JsonParley.start({ args: ['--accept', 'all'] })])
  const [from, to] = running as [JsonParley, JsonParley] // made one line above
  const peer = await to.peerId()
  const texts = ['x'.repeat(maxTextBytes), 'é'.repeat(maxTextBytes / 2), '語'.repeat(21_845) + 'x', 'after all']
  await from.do({ do: 'chat', peer: await to.address() })

  const refusals = []
  for (const text of texts) {
    await from.do({ do: 'send', peer, text })
    refusals.push(await from.answerTo({ do: 'send', peer, text: 'x'.repeat(maxTextBytes + 1) }))
    refusals.push(await from.answerTo({ do: 'send', peer, text: `${'é'.repeat(maxTextBytes / 2)}x` }))
  }
  await to.untilTexts(await from.peerId(), texts.length)

  for (const refusal of refusals) {
    expect(refusal).toMatchObject({ event: 'error', code: 'message-too-long', exitCode: usageExitCode })
    expect(refusal['message']).toContain(`${maxTextBytes}`)
    expect(refusal['message']).toContain(`${maxTextBytes + 1}`)
  }
  expect(to.textsFrom(await from.peerId())).toEqual(texts)
  const { messages } = await from.do({ do: 'history', peer })
  expect(Array.isArray(messages) && messages.map((message: Record<string, unknown>) => message['text'])).toEqual(texts)
})
