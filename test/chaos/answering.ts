// The other end of Child.ask(), in the process that answers. It ends with the
// process that asks.

type Handler = (details: unknown) => unknown

export function answer(handlers: Readonly<Record<string, Handler>>): void {
  process.on('disconnect', () => process.exit())
  process.on('message', (message) => {
    // Written by Child.ask().
    const { id, what, details } = message as { readonly id: number; readonly what: string; readonly details: unknown }
    void answerOne(handlers[what], details).then((result) => process.send?.({ id, ...result }, () => undefined))
  })
}

async function answerOne(handler: Handler | undefined, details: unknown): Promise<object> {
  try {
    if (handler === undefined) throw new Error('nobody answers that')
    return { value: (await handler(details)) ?? null }
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}
