/** Says what is going on, when it takes so long that one wonders. */

// What is over sooner needs no word.
const patienceMs = 500

/** Runs `work`; when it takes over half a second, prints the title and then the time. */
export async function withProgress<T>(title: string, work: () => Promise<T>): Promise<T> {
  const startedMs = performance.now()
  let announced = false
  const timer = setTimeout(() => {
    announced = true
    console.log(`${title} ...`)
  }, patienceMs)
  try {
    return await work()
  } finally {
    clearTimeout(timer)
    if (announced) console.log(`${title}: ${seconds(performance.now() - startedMs)}`)
  }
}

export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`
}
