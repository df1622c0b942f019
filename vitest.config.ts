// Three kinds of tests, one after the other. Unit tests run in their own process
// and touch no more than loopback. Process tests start the built `parley`
// commands and network namespaces, three files at a time, as they mostly wait.
// Measured tests hold times and memory of such commands to a limit, or drive a
// terminal or a browser, and have the machine for themselves.
import { defineConfig } from 'vitest/config'

const measured = [
  'test/integration/{case-study,full-screen,roster-page,terminal}.test.ts',
  'test/fault/{random-streams,wire-backpressure}.test.ts'
]
const patience = { testTimeout: 120_000, hookTimeout: 60_000 }

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'test/{lib,wire,transport,chat-protocol,directory,storage,node,cli,web,chaos,fuzz,soak}/**/*.test.ts'
          ],
          testTimeout: 20_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 }
        }
      },
      {
        test: {
          name: 'process',
          include: ['test/{integration,fault}/**/*.test.ts'],
          exclude: measured,
          ...patience,
          maxWorkers: 3,
          sequence: { groupOrder: 1 }
        }
      },
      {
        test: {
          name: 'measured',
          include: measured,
          ...patience,
          fileParallelism: false,
          sequence: { groupOrder: 2 }
        }
      }
    ]
  }
})
