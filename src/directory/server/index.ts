// A directory as its clients see it: who registers, the roster, and who watches it.
export { directory, type DirectoryService } from './directory-service.ts'
