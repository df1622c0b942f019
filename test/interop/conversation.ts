/**
 * Holds one conversation between a foreign peer and another side, and compares all that
 * arrived with all that was said, in both directions. It knows neither how the sides are
 * run nor which of them is Parley.
 */
import assert from 'node:assert/strict'

import type { ChatSide } from './chat-side.ts'
import { ambiguousLines, texts, utterances, type Dialect } from './corpus.ts'
import type { ForeignSide } from './foreign-side.ts'

export interface Course {
  readonly dials: 'peer' | 'other'
  readonly speaksFirst: 'peer' | 'other'
}

/** Every course that a conversation can take. */
export const courses: readonly Course[] = [
  { dials: 'peer', speaksFirst: 'peer' },
  { dials: 'peer', speaksFirst: 'other' },
  { dials: 'other', speaksFirst: 'peer' },
  { dials: 'other', speaksFirst: 'other' }
]

// Not part of the corpus: it shows that the stream still works after all of it.
const lastWords = 'goodbye'

export async function converse(
  peer: ForeignSide,
  other: ChatSide,
  dialect: Dialect,
  { dials, speaksFirst }: Course
): Promise<void> {
  try {
    if (dials === 'peer') await peer.dial(await other.listen())
    else await other.dial(await peer.listen())

    const turns = [() => peerSpeaks(peer, other, dialect), () => otherSpeaks(peer, other)]
    if (speaksFirst === 'other') turns.reverse()
    for (const turn of turns) await turn()

    await peer.send(lastWords)
    await other.send(lastWords)
    await expectReceived(other, peer, [...shownBy(other, dialect), lastWords])
    await expectReceived(peer, other, [...texts, lastWords])
  } finally {
    await Promise.all([peer.stop(), other.stop()])
  }
}

/** The texts of the corpus one way, then the other, between any two sides. */
export async function exchange(
  dialler: ChatSide,
  listener: ChatSide,
  speaksFirst: 'dialler' | 'listener'
): Promise<void> {
  try {
    await dialler.dial(await listener.listen())
    const turns = [
      [dialler, listener],
      [listener, dialler]
    ] as const
    for (const [speaker, hearer] of speaksFirst === 'dialler' ? turns : turns.toReversed()) {
      for (const text of texts) await speaker.send(text)
      await expectReceived(hearer, speaker, texts)
    }
  } finally {
    await Promise.all([dialler.stop(), listener.stop()])
  }
}

/**
 * One conversation after another, each opened by a peer that has never been seen, with a
 * first line that reads as a frame too; each is answered.
 */
export async function openWithEachAmbiguousLine(newPeer: () => ForeignSide, other: ChatSide): Promise<void> {
  try {
    const address = await other.listen()
    for (const [index, line] of ambiguousLines.entries()) {
      const peer = newPeer()
      try {
        await peer.dial(address)
        await peer.send(line)
        await expectReceived(other, peer, ambiguousLines.slice(0, index + 1))
        await other.send(line)
        await expectReceived(peer, other, [line])
      } finally {
        await peer.stop()
      }
    }
  } finally {
    await other.stop()
  }
}

async function peerSpeaks(peer: ForeignSide, other: ChatSide, dialect: Dialect): Promise<void> {
  for (const utterance of utterances(dialect)) await peer.say(utterance)
  await expectReceived(other, peer, shownBy(other, dialect))
}

async function otherSpeaks(peer: ForeignSide, other: ChatSide): Promise<void> {
  for (const text of texts) await other.send(text)
  await expectReceived(peer, other, texts)
}

/** What of the peer's corpus this receiver shows. */
function shownBy(receiver: ChatSide, dialect: Dialect): readonly string[] {
  return utterances(dialect)
    .flatMap((utterance) => utterance.means)
    .filter((text) => text !== '' || receiver.showsEmptyTexts)
}

async function expectReceived(receiver: ChatSide, sender: ChatSide, expected: readonly string[]): Promise<void> {
  let received: readonly string[]
  let missing: Error | undefined
  try {
    received = await receiver.received(expected.length)
  } catch (error) {
    // The first text that is wrong says more than how many there are.
    missing = error instanceof Error ? error : new Error(String(error))
    received = await receiver.received(0)
  }
  const wrong = received.findIndex((text, index) => text !== expected[index])
  assert.ok(
    wrong === -1,
    `${receiver.name}, text ${wrong + 1} of ${expected.length} from ${sender.name}: ` +
      `expected ${JSON.stringify(expected[wrong])}, received ${JSON.stringify(received[wrong])}`
  )
  if (missing !== undefined) throw missing
}
