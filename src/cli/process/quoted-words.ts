// Words of a typed line as shells write them: in quotes, or with a backslash before a space. Pure.

export function quotedWords(given: string): readonly string[] {
  return [...given.matchAll(/(?:'[^']*'|"[^"]*"|\\.|[^\s'"\\])+/gu)].map(([word]) =>
    word.replaceAll(/'([^']*)'|"([^"]*)"|\\(.)/gu, (_, single?: string, double?: string, one?: string) =>
      String(single ?? double ?? one)
    )
  )
}

/** As {@link quotedWords} reads it back. */
export function quotedWord(word: string): string {
  return /^[\w./@:+-]+$/u.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`
}
