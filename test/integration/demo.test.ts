// `parley demo` is how the case study is shown to a newcomer: it runs as built,
// from the clone, and everything that it promises is seen.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePorts } from '../processes/ports.ts'
import { TestBed } from '../processes/test-bed.ts'

let bed: TestBed
beforeAll(async () => {
  bed = await TestBed.make()
})
afterAll(async () => bed[Symbol.asyncDispose]())

test('the demo plays the whole case study, and says so', async () => {
  const ports = await freePorts(3)
  const finished = await bed.run(['demo', '--ports', ports.join(',')])
  expect(finished.stdout).not.toContain('NOT SEEN')
  expect(finished.stdout.match(/^ {2}seen /gmu)).toHaveLength(13)
  expect(finished.code).toBe(0)
})

test('a port that is taken is named, and others are offered', async () => {
  const [taken = 0, ...others] = await freePorts(3)
  await bed.directory(taken)
  const finished = await bed.run(['demo', '--ports', `${taken},${others.join(',')}`])
  expect(finished.code).toBe(10)
  expect(finished.stderr).toMatch(new RegExp(`${taken} is taken .*parley demo --ports \\d+,\\d+,\\d+`, 'u'))
})
