/** How many places the open files of a process leave. */
import { expect, test } from 'vitest'
import { chatLimits, directoryLimits } from '../../src/transport/connection-guard.ts'
import { LEAST_CONNECTIONS, RESERVED_OPEN_FILES, limitsWithin, openFileLimit } from '../../src/transport/open-files.ts'

test('limits stay as they are where there are files for all places', () => {
  expect(limitsWithin(chatLimits, 1_024)).toBe(chatLimits)
  expect(limitsWithin(directoryLimits, Infinity)).toBe(directoryLimits)
})

test.each([64, 256, 1_024, 4_096])('with %i open files the places and the rest of the program fit', (openFiles) => {
  const { places, handshakes } = limitsWithin(directoryLimits, openFiles)
  expect(places.maxConnections + handshakes.maxPending).toBe(openFiles - RESERVED_OPEN_FILES)
  expect(handshakes.maxPending).toBeGreaterThan(0)
  expect(places.maxConnections).toBeGreaterThan(handshakes.maxPending)
})

test('there are a few places however few files may be open', () => {
  const { places, handshakes } = limitsWithin(chatLimits, 10)
  expect(places.maxConnections + handshakes.maxPending).toBe(LEAST_CONNECTIONS)
})

test('the system tells the limit of this process', () => {
  expect(openFileLimit()).toBeGreaterThan(64)
})
