// A test that is ended in its middle, for left-processes.test.ts: it starts a daemon, and a window where there is a
// terminal, says which folder they live in, and waits.
import { setTimeout as sleep } from 'node:timers/promises'
import { TestBed } from '../processes/test-bed.ts'
import { hasTmux } from '../processes/terminal.ts'

const bed = await TestBed.make()
const home = bed.home()
const { code, told } = await bed.runDaemon(['--restart', '--name', 'anna'], { home })
if (code !== 0) throw new Error(told)
if (hasTmux) await (await bed.terminal(['--plain'])).shows(/Peer \(/u)
console.log(bed.folder)
await sleep(2 ** 30)
