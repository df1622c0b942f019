// Presence: signed records, the pure roster, the exchange of records between
// peers, the directory and its client. The only way into this folder.
export * from './presence-record.ts'
export * from './errors.ts'
export * from './roster.ts'
