// Two kinds of tests: process tests, which run the built `parley` commands, most of
// them within the test's own process, network namespaces and a browser; and unit
// tests, which run in their own process and touch no more than loopback. The process
// tests come first (Vitest goes by the names of projects), as they are few and long:
// no core waits for the last of them while there are unit tests left. None compares a
// time with a limit: that is for the benchmarks.
import { defineConfig } from 'vitest/config'
import { generateFrames } from './scripts/proto.ts'
import { eventualMs, testMs } from './test/patience.ts'

/** `expect.poll` waits as `eventually` does. */
const expect = { poll: { timeout: eventualMs, interval: 20 } }

/** Tests mostly wait, so that more files run at a time than there are cores. One number, as both kinds share the workers. */
const maxWorkers = 5

// However vitest is started, the frame codecs that the sources import are there.
await generateFrames()

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'test/{lib,wire,transport,chat-protocol,files,share,presence,directory,relay,invite,direct,port-mapping,storage,node,cli,web,docs,scripts,chaos,fuzz,soak,attack,kill,bench,reach,sim}/**/*.test.ts'
          ],
          testTimeout: testMs,
          hookTimeout: testMs,
          expect,
          maxWorkers,
          // Libp2p and Parley are loaded once in each worker, and not once for each of 200 files: a third of the time.
          isolate: false,
          setupFiles: ['test/left-behind.ts']
        }
      },
      {
        test: {
          name: 'process',
          include: ['test/{integration,fault}/**/*.test.ts'],
          testTimeout: testMs,
          hookTimeout: testMs,
          expect,
          maxWorkers
        }
      }
    ]
  }
})
