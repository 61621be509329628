// What the programs beside this one share: one JSON object in, one JSON object out.

import { text } from 'node:stream/consumers'

/** Reads the input, takes the steps, prints the facts; a failure is one sentence and exit 1. */
export async function program(name, steps) {
  try {
    const input = JSON.parse(await text(process.stdin))
    process.stdout.write(`${JSON.stringify(await steps(input))}\n`)
  } catch (error) {
    process.stderr.write(`${name} failed: ${sentence(error)}\n`)
    process.exitCode = 1
  }
}

/** The error that an attempt ends with; an attempt that succeeds is a failure. */
export async function refusal(what, attempt) {
  try {
    await attempt()
  } catch (error) {
    return error
  }
  throw new Error(`${what} was accepted`)
}

/**
 * The code of a refusal by the server. A 401 has a challenge (RFC 9110, section 15.5.2), which
 * oauth4webapi makes an error of before it looks at the body.
 */
export async function code(error) {
  if (error.error !== undefined || error.response === undefined) return error.error
  return (await error.response.json()).error
}

/** A granted scope as a sorted list, since its order means nothing. */
export function scopes(scope) {
  return (scope ?? '').split(' ').filter(Boolean).sort()
}

/** What a client program asks the demo API for. */
export const CALLS = {
  read: { method: 'GET', path: '/v1/leads' },
  write: { method: 'POST', path: '/v1/leads', body: { name: 'A foreign lead' } },
}

function sentence(error) {
  const parts = [error?.code, error?.error, error?.message ?? String(error)]
  const cause = error?.cause?.message ?? describe(error?.cause)
  return [...parts, cause].filter(Boolean).join(': ')
}

function describe(cause) {
  return cause === undefined ? '' : JSON.stringify(cause)
}
