// What became of messages, told from the whole histories of both sides. Pure: it
// knows no processes, and believes nothing but what the two histories hold.

/** A message as `parley export --json` prints it. */
export interface KeptMessage {
  readonly id: string
  readonly direction: 'in' | 'out'
  readonly state: string
  readonly text: string
  readonly log: string
  readonly seq: number
}

/** One side of the conversation. */
export interface Side {
  /** Everything it holds, in the order of its history. */
  readonly history: readonly KeptMessage[]
  /** IDs of messages whose command was answered: they were promised to be kept. */
  readonly answered: ReadonlySet<string>
}

export interface Verdict {
  readonly lost: number
  readonly doubled: number
  readonly disordered: number
  /** Messages that arrived and that their sender doesn't know to have arrived. */
  readonly unmarked: number
  /** One line for each finding, the first few of a kind. */
  readonly findings: readonly string[]
}

export interface Claims {
  /** IDs of the messages that clients were told of, one for each that was promised its own. */
  readonly claimed: readonly string[]
  /** How many clients asked, each once. */
  readonly asked: number
}

const findingsOfAKind = 5

/**
 * Both ways together.
 *
 * @param options.areTextsUnique whether a text that is there twice is a message that is there twice
 */
export function compareHistories(
  first: Side,
  second: Side,
  options: { readonly areTextsUnique: boolean } = { areTextsUnique: true }
): Verdict {
  const there = compareOneWay(first, second, options)
  const back = compareOneWay(second, first, options)
  return {
    lost: there.lost + back.lost,
    doubled: there.doubled + back.doubled,
    disordered: there.disordered + back.disordered,
    unmarked: there.unmarked + back.unmarked,
    findings: [...there.findings, ...back.findings]
  }
}

/**
 * What is wrong between the clients of one side and what it holds. That a claimed message is kept and arrives is for
 * {@link compareHistories}, to which it was answered.
 */
export function compareClaims({ claimed, asked }: Claims, { history }: Side): readonly string[] {
  const seen = new Set<string>()
  const shared = claimed.filter((id) => seen.has(id) || !seen.add(id))
  const stored = history.filter(({ direction }) => direction === 'out').length
  return [
    ...shared.map((id) => `${id} was told to more than one client`),
    ...(stored > asked ? [`${stored} messages are stored for ${asked} clients`] : [])
  ]
}

function compareOneWay(sender: Side, receiver: Side, options: { readonly areTextsUnique: boolean }): Verdict {
  const sent = sender.history.filter(({ direction }) => direction === 'out')
  const received = receiver.history.filter(({ direction }) => direction === 'in')
  const sentIds = new Map(sent.map((message, index) => [message.id, { message, index }]))
  const receivedIds = new Map(received.map((message) => [message.id, message]))

  const lost = [
    ...[...sender.answered].filter((id) => !sentIds.has(id)).map((id) => `${id} was answered and is not kept`),
    ...sent.filter(({ id }) => !receivedIds.has(id)).map((message) => `${told(message)} did not arrive`),
    ...received.filter(({ id }) => !sentIds.has(id)).map((message) => `${told(message)} arrived, its sender lost it`),
    ...sent.filter(({ id, text }) => (receivedIds.get(id)?.text ?? text) !== text).map((m) => `${told(m)} has changed`)
  ]
  const doubled = [...repeated(sent, options), ...repeated(received, options)]
  const disordered = [
    ...outOfOrder(sent).map((message) => `${told(message)} stands before an earlier one of its log`),
    ...received
      .filter((message, index) => {
        const before = sentIds.get(received[index - 1]?.id ?? '')
        const own = sentIds.get(message.id)
        const isMoved = own !== undefined && before !== undefined && before.index > own.index
        const isRenumbered = own !== undefined && (own.message.log !== message.log || own.message.seq !== message.seq)
        return isMoved || isRenumbered
      })
      .map((message) => `${told(message)} arrived after a later one, or with another number`)
  ]
  const unmarked = sent.filter(({ id, state }) => receivedIds.has(id) && state !== 'delivered')
  return {
    lost: lost.length,
    doubled: doubled.length,
    disordered: disordered.length,
    unmarked: unmarked.length,
    findings: [
      ...lost.slice(0, findingsOfAKind),
      ...doubled.slice(0, findingsOfAKind),
      ...disordered.slice(0, findingsOfAKind),
      ...unmarked.slice(0, findingsOfAKind).map((message) => `${told(message)} arrived and is marked ${message.state}`)
    ]
  }
}

/** By ID, and by text where nobody said anything twice. */
function repeated(
  messages: readonly KeptMessage[],
  { areTextsUnique }: { readonly areTextsUnique: boolean }
): readonly string[] {
  const seen = new Set<string>()
  return messages.flatMap((message) => {
    const isRepeated = seen.has(message.id) || (areTextsUnique && seen.has(message.text))
    seen.add(message.id).add(message.text)
    return isRepeated ? [`${told(message)} is there twice`] : []
  })
}

function outOfOrder(messages: readonly KeptMessage[]): readonly KeptMessage[] {
  const last = new Map<string, number>()
  return messages.filter(({ log, seq }) => {
    const isLate = seq <= (last.get(log) ?? 0)
    last.set(log, seq)
    return isLate
  })
}

function told({ id, text, log, seq, direction }: KeptMessage): string {
  return `${direction} "${text}" (${id}, ${log}/${seq})`
}
