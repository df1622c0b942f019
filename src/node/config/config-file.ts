// The file of settings as text: one JSON object, in which comments are allowed.
// Changing one setting keeps everything else in it as it was written. It does
// not know which settings there are, nor what they mean.
import { access, constants, mkdir, readFile, readlink, realpath, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { decodedText, hasErrorCode } from '../../lib/index.ts'
import { UsageError } from '../api/errors.ts'

/** The mode of a new file; an existing one keeps its own. */
const newFileMode = 0o600
const newFolderMode = 0o700
const anyoneMayWrite = 0o222

/**
 * @returns the settings in the file: none if there is no file, or nothing but comments in it
 * @throws UsageError
 */
export async function readConfigFile(file: string): Promise<Readonly<Record<string, unknown>>> {
  return parseConfigText(await readText(file), file)
}

/**
 * Writes one setting, or takes it out where `value` is undefined.
 *
 * @throws UsageError when the file holds anything but settings, or can't be written
 */
export async function changeConfigFile(file: string, name: string, value: unknown): Promise<void> {
  const text = await readText(file)
  const before = parseConfigText(text, file)
  const changed = withMember(text, name, value)
  const { [name]: _, ...others } = before
  const expected = value === undefined ? others : { ...others, [name]: value }
  const after = parseConfigText(changed, file)
  const isMeant = Object.keys({ ...after, ...expected }).every(
    (key) => JSON.stringify(after[key]) === JSON.stringify(expected[key])
  )
  if (!isMeant) throw new UsageError(`${file} is written in a way that can't be changed here: change it in an editor`)
  try {
    await replace(file, changed)
  } catch (error) {
    if (error instanceof UsageError) throw error
    const why = error instanceof Error ? error.message : String(error)
    throw new UsageError(`${file} can't be written: ${why}`, { cause: error })
  }
}

async function replace(file: string, text: string): Promise<void> {
  const { writeFileAtomically } = await import('../../storage/index.ts')
  await mkdir(dirname(file), { recursive: true, mode: newFolderMode })
  // Writes through a link: settings may be kept elsewhere.
  const target = await realpath(file).catch(async () => linkedFile(file))
  await refuseReadOnly(target)
  const mode = await stat(target).then(
    (found) => found.mode & 0o777,
    () => newFileMode
  )
  await writeFileAtomically(target, text, mode)
}

/** Renaming another file over it would not ask whether it may be written, and root may write every file. */
async function refuseReadOnly(target: string): Promise<void> {
  const found = await stat(target).catch(() => undefined)
  if (found === undefined) return
  const mayWrite = await access(target, constants.W_OK).then(
    () => true,
    () => false
  )
  if (mayWrite && (found.mode & anyoneMayWrite) !== 0) return
  throw new UsageError(
    `${target} is read-only and was not changed: chmod u+w ${target} lets it be changed here, ` +
      'unless another program makes it: then change the setting there'
  )
}

/** The target of a link to a file that does not exist yet: it is created. */
async function linkedFile(file: string): Promise<string> {
  const link = await readlink(file).catch(() => undefined)
  return link === undefined ? file : resolve(dirname(file), link)
}

/** @returns the text of one object: an empty one, below its comments, for a file that holds none or does not exist */
async function readText(file: string): Promise<string> {
  try {
    // Opening a named pipe waits for a writer, which may never come.
    if ((await stat(file)).isFIFO()) throw new Error('it is a named pipe: settings are a regular file')
    const text = decodedText(await readFile(file))
    return withoutComments(text).trim() === '' ? withEmptyObject(text) : text
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return withEmptyObject('')
    throw new UsageError(`the settings in ${file} can't be read: ${String(error)}`, { cause: error })
  }
}

function withEmptyObject(comments: string): string {
  return `${comments.trim() === '' ? '' : `${comments.trimEnd()}\n`}{\n}\n`
}

function parseConfigText(text: string, file: string): Readonly<Record<string, unknown>> {
  let parsed: unknown
  try {
    parsed = JSON.parse(withoutComments(text))
  } catch (error) {
    throw new UsageError(`${file} is not JSON: ${error instanceof Error ? error.message : ''}`, { cause: error })
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new UsageError(`${file} must hold one JSON object, such as {"name": "anna"}`)
  }
  return { ...parsed }
}

/** With spaces in place of comments, so that every other character keeps its position. */
function withoutComments(text: string): string {
  return text.replace(/"(?:\\.|[^"\\])*"|\/\/[^\n]*|\/\*.*?\*\//gsu, (part) =>
    part.startsWith('"') ? part : ' '.repeat(part.length)
  )
}

/** The position of a member of the object in its text. */
interface Member {
  readonly name: unknown
  readonly start: number
  readonly valueStart: number
  readonly end: number
  /** After the comma that follows it. */
  readonly commaEnd: number | undefined
}

/** @param text of one object that was parsed before */
export function withMember(text: string, name: string, value: unknown): string {
  const members = membersOf(withoutComments(text))
  const last = members.findLast((member) => member.name === name)
  if (value === undefined) return last === undefined ? text : withMember(without(text, members, last), name, undefined)
  const written = JSON.stringify(value)
  if (last !== undefined) return text.slice(0, last.valueStart) + written + text.slice(last.end)
  return withNew(text, members.at(-1), `${JSON.stringify(name)}: ${written}`)
}

/** After the last member: on a line of its own, with the same indentation, unless all stands on one line. */
function withNew(text: string, last: Member | undefined, written: string): string {
  const blank = withoutComments(text)
  const close = blank.lastIndexOf('}')
  const after = last?.end ?? blank.indexOf('{') + 1
  const comma = last === undefined ? '' : ','
  const lineEnd = blank.indexOf('\n', after)
  if (lineEnd === -1 || lineEnd > close) {
    const inside = last === undefined ? written : ` ${written}`
    return text.slice(0, after) + comma + inside + text.slice(after)
  }
  const indent = last === undefined ? '  ' : (/^[ \t]*/u.exec(blank.slice(lineStart(blank, last.start)))?.[0] ?? '')
  const isCrLf = blank[lineEnd - 1] === '\r'
  const at = isCrLf ? lineEnd - 1 : lineEnd
  return `${text.slice(0, after)}${comma}${text.slice(after, at)}${isCrLf ? '\r\n' : '\n'}${indent}${written}${text.slice(at)}`
}

/** Without a member, its comma, and its line when nothing else is on it. */
function without(text: string, members: readonly Member[], member: Member): string {
  const before = members[members.indexOf(member) - 1]
  const [start, end] = [member.start, member.commaEnd ?? member.end]
  const isAlone =
    /^[ \t]*$/u.test(text.slice(lineStart(text, start), start)) && /^[ \t]*(?:\r?\n|$)/u.test(text.slice(end))
  const lineEnd = text.indexOf('\n', end)
  const rest = isAlone
    ? text.slice(lineEnd === -1 ? text.length : lineEnd + 1)
    : text.slice(end).replace(/^[ \t]+/u, '')
  const kept = text.slice(0, isAlone ? lineStart(text, start) : start)
  // The last member takes the comma of the one before with it. A line break stays: a comment may end with it.
  if (member.commaEnd !== undefined || before?.commaEnd === undefined) return kept + rest
  const between = kept.slice(before.commaEnd)
  return kept.slice(0, before.commaEnd - 1) + (isAlone ? between : between.replace(/[ \t]+$/u, '')) + rest
}

function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1
}

/** @param blank without comments */
function membersOf(blank: string): readonly Member[] {
  const members: Member[] = []
  let depth = 0
  let open: { readonly name: unknown; readonly start: number; valueStart: number } | undefined
  let end = 0
  const close = (commaEnd: number | undefined): void => {
    if (open !== undefined) members.push({ ...open, end, commaEnd })
    open = undefined
  }
  for (const { 0: token, index } of blank.matchAll(/"(?:\\.|[^"\\])*"|[{}[\],:]|[^\s{}[\],:"]+/gu)) {
    if (depth === 1 && token === ',') close(index + 1)
    else if (depth === 1 && token === '}') close(undefined)
    else if (depth === 1 && open === undefined) open = { name: JSON.parse(token), start: index, valueStart: 0 }
    else if (open?.valueStart === 0 && token !== ':') open.valueStart = index
    if (token === '{' || token === '[') depth++
    if (token === '}' || token === ']') depth--
    end = index + token.length
  }
  return members
}
