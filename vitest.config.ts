// Two kinds of tests. Unit tests run in this process and touch no more than
// loopback; process tests start the built `parley` commands and network
// namespaces, so they run one file at a time.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/{wire,chat-protocol,directory,storage,node,cli,web}/**/*.test.ts'],
          testTimeout: 20_000
        }
      },
      {
        test: {
          name: 'process',
          include: ['test/{integration,fault}/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          fileParallelism: false
        }
      }
    ]
  }
})
