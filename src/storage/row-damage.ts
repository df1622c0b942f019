// What is noticed above SQLite when a file is not what was written. Both become
// a StorageDamagedError before anybody outside sees them.

/** A row is not what was written. */
export class RowDamage extends Error {
  override readonly name = 'RowDamage'
}

/** The file's structure is wrong, in SQLite's own words. */
export class DamageFound extends Error {
  override readonly name = 'DamageFound'
}
