// Holds the lock of the profile in a folder, its argument, until it is killed.
import { ProfileLock } from '../../src/storage/profile-lock.ts'

const lock = ProfileLock.take(process.argv[2] ?? '')
process.stdout.write('held\n')
// Without a reference it would be collected, and the lock with it.
setInterval(() => lock, 60_000)
