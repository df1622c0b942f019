// Maps and sets of a bounded size, for what is remembered of remotes: a remote
// makes keys for nothing, so what is kept by key has an end.
//
// Not the package lru-cache: it allocates arrays for all of its places at once,
// which for the 65,536 of some maps here is a megabyte of nothing each, and
// looking at an entry renews it, so that a remote that is asked about often would
// never be forgotten.

/** A map that drops the entry that was set longest ago. Looking at an entry does not renew it; setting it does. */
export class LruMap<Key, Value> extends Map<Key, Value> {
  readonly #maxSize: number

  constructor(maxSize: number) {
    super()
    this.#maxSize = maxSize
  }

  override set(key: Key, value: Value): this {
    this.delete(key)
    super.set(key, value)
    if (this.size > this.#maxSize) dropFirst(this)
    return this
  }
}

/** A set that drops the member that was added longest ago. Adding a member again renews it. */
export class LruSet<Member> extends Set<Member> {
  readonly #maxSize: number

  constructor(maxSize: number) {
    super()
    this.#maxSize = maxSize
  }

  override add(member: Member): this {
    this.delete(member)
    super.add(member)
    if (this.size > this.#maxSize) dropFirst(this)
    return this
  }
}

function dropFirst<Key>(kept: { keys(): IterableIterator<Key>; delete(key: Key): boolean }): void {
  const first = kept.keys().next()
  if (first.done !== true) kept.delete(first.value)
}
