// Why the HTTP side could not begin. What goes wrong with one request is an
// answer, and no error.

/** Something else listens there. */
export class HttpPortTakenError extends Error {
  override readonly name = 'HttpPortTakenError'

  constructor(
    readonly port: number,
    options?: ErrorOptions
  ) {
    super(`the port ${port} for the roster page is taken: give another with --http, or --no-http`, options)
  }
}

/** This machine can't listen there. */
export class HttpHostError extends Error {
  override readonly name = 'HttpHostError'

  constructor(
    readonly host: string,
    options?: ErrorOptions
  ) {
    super(`this machine has no address ${host} to show the roster page on: see --http-host`, options)
  }
}
