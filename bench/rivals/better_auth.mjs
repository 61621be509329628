// better-auth with its API key plugin and one key, for the benchmark, in one of two ways:
//
// - `database FILE`: as its documentation sets it up, with keys in a database and their limits on.
//   The database is SQLite by Node's own driver, with a write-ahead log that no request waits for.
// - `memory`: at the fastest setting that it documents, with keys in its secondary storage, which
//   is a map in memory, updates after the answer and no limits.
//
// Verification has no route of its own, so a bare server of Node calls it. The first line with a
// brace is for the benchmark to read.

import { createServer } from 'node:http'
import { randomBytes } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { betterAuth } from 'better-auth'
import { memoryAdapter } from 'better-auth/adapters/memory'
import { getMigrations } from 'better-auth/db/migration'
import { apiKey } from '@better-auth/api-key'

const WAYS = { database: inDatabase, memory: inMemory }
const [way, file] = process.argv.slice(2)
const auth = betterAuth({
  baseURL: 'http://127.0.0.1',
  secret: randomBytes(32).toString('base64url'),
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { disabled: true },
  ...WAYS[way](),
})
if (way === 'database') await (await getMigrations(auth.options)).runMigrations()

function inDatabase() {
  const database = new DatabaseSync(file)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
  // A day's limit that is counted and never reached.
  const rateLimit = { enabled: true, timeWindow: 86_400_000, maxRequests: 1_000_000_000 }
  return { database, plugins: [apiKey({ rateLimit })] }
}

function inMemory() {
  const stored = new Map()
  return {
    database: memoryAdapter({ user: [], session: [], account: [], verification: [], apikey: [] }),
    secondaryStorage: {
      get: (key) => stored.get(key) ?? null,
      set: (key, value) => void stored.set(key, value),
      delete: (key) => void stored.delete(key),
    },
    advanced: {
      backgroundTasks: { handler: (task) => void Promise.resolve(task).catch(() => {}) },
    },
    plugins: [
      apiKey({ storage: 'secondary-storage', deferUpdates: true, rateLimit: { enabled: false } }),
    ],
  }
}

const { internalAdapter } = await auth.$context
const user = await internalAdapter.createUser({
  email: 'rival@acme.test',
  name: 'Rival',
  emailVerified: true,
})
const { key } = await auth.api.createApiKey({ body: { name: 'Rival', userId: user.id } })

async function answer(request, response) {
  const parts = []
  for await (const part of request) parts.push(part)
  const { credential } = JSON.parse(Buffer.concat(parts).toString())
  const verified = await auth.api.verifyApiKey({ body: { key: credential } })
  const body = JSON.stringify(verified)
  response.writeHead(verified.valid ? 200 : 401, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}

const server = createServer((request, response) => {
  answer(request, response).catch(() => response.writeHead(500, { 'content-length': 0 }).end())
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
console.log(JSON.stringify({ address: `127.0.0.1:${server.address().port}`, key }))
// It lives as long as the benchmark holds its standard input.
process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
