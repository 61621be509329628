// What the apps beside this one share: JSON lines in, JSON lines out. An app asks its test for what
// it cannot do itself: to be registered, or that a user goes somewhere with a browser.

import { createInterface } from 'node:readline/promises'

/** Reads the input, takes the steps, prints the facts; a failure is one sentence and exit 1. */
export async function conversation(name, steps) {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
  const read = async () => JSON.parse((await lines.next()).value)
  const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)
  const ask = async (question) => {
    say({ ask: question })
    return read()
  }
  try {
    say({ facts: await steps(await read(), ask) })
    process.exit(0)
  } catch (error) {
    const cause = JSON.stringify(error.cause)
    process.stderr.write(`${name} failed: ${error.stack ?? error}: ${cause}\n`)
    process.exit(1)
  }
}

/** What of a token's answer every app compares. */
export function granted({ scope, expires_in, token_type, refresh_token }) {
  const names = (scope ?? '').split(' ').filter(Boolean).sort()
  const type = token_type.toLowerCase()
  return { scope: names, expires_in, type, has_refresh_token: refresh_token !== undefined }
}
