// Holds the lock of the profile in the folder that is its argument, until it is killed.
import { ProfileLock } from '../../src/storage/profile-lock.ts'

ProfileLock.take(process.argv[2] ?? '')
process.stdout.write('held\n')
setInterval(() => undefined, 60_000)
