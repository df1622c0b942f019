// A run of tests that is ended by a signal, or whose runner is killed, leaves no daemon, no window and no parley behind.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { processesIn } from '../processes/ending.ts'

test.each(['SIGTERM', 'the end of its runner'] as const)(
  'nothing goes on after a test that %s has ended',
  async (how) => {
    const killed = fork(join(import.meta.dirname, 'killed-test.ts'), {
      execArgv: ['--experimental-transform-types', '--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc']
    })
    const [folder] = (await once(createInterface({ input: killed.stdout ?? expect.fail('no output') }), 'line')) as [
      string
    ]
    expect(processesIn(folder)).not.toEqual([])
    if (how === 'SIGTERM') killed.kill('SIGTERM')
    else killed.disconnect()
    await once(killed, 'exit')
    await eventually(() => expect(processesIn(folder)).toEqual([]))
  }
)
