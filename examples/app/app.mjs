// A small app that acts for its users: it connects to Claviger, calls the demo API, refreshes its
// token, and notices when a user disconnects it. Node 20 or later, no packages.
//
//   CLIENT_ID=cli_… CLIENT_SECRET=cs_live_… node examples/app/app.mjs
//
// Each step of OAuth is written out here so that it can be read. An app of your own is better off
// with a library such as oauth4webapi or Authlib, which takes the same steps.

import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { escape, page } from './page.mjs'

const issuer = process.env.CLAVIGER_URL ?? 'http://127.0.0.1:8080'
const api = process.env.API_URL ?? `${issuer}/demo`
const client = { id: required('CLIENT_ID'), secret: required('CLIENT_SECRET') }
const scope = 'read:leads'

/** What the app remembers of each browser, by its own cookie. A real app has a database. */
const visitors = new Map()

const server = createServer((request, response) => {
  answer(request).then(
    ({ status = 200, headers = {}, body = '' }) => response.writeHead(status, headers).end(body),
    (error) => {
      console.error(error)
      response.writeHead(502, { 'content-type': 'text/plain' }).end('Something went wrong.\n')
    },
  )
})
server.listen(Number(process.env.PORT ?? 9999), '127.0.0.1', () => {
  console.log(`ready ${own_url()}`)
})

function own_url() {
  return `http://127.0.0.1:${server.address().port}`
}

/** Where Claviger sends the browser back: registered with the app, where only the port is free. */
function redirect_uri() {
  return `${own_url()}/callback`
}

async function answer(request) {
  const url = new URL(request.url, own_url())
  const visitor = visitor_of(request)
  const route = `${request.method} ${url.pathname}`
  if (route === 'GET /') return home(visitor)
  if (route === 'POST /connect') return connect(visitor)
  if (route === 'GET /callback') return callback(visitor, url)
  if (route === 'POST /refresh') return refresh_now(visitor)
  if (route === 'POST /disconnect') return disconnect(visitor)
  return { status: 404, headers: { 'content-type': 'text/plain' }, body: 'Not here.\n' }
}

// 1. To Claviger: with a state, so that the answer is known to be of this browser, and a code
//    challenge, so that nobody else can use the code (RFC 7636).
async function connect(visitor) {
  const { authorization_endpoint } = await metadata()
  visitor.state = random()
  visitor.verifier = random()
  const url = new URL(authorization_endpoint)
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: client.id,
    redirect_uri: redirect_uri(),
    scope,
    state: visitor.state,
    code_challenge: createHash('sha256').update(visitor.verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  return see(url.href, visitor)
}

// 2. And back: the answer has to be of this browser and of this server (RFC 9207).
async function callback(visitor, { searchParams: sent }) {
  const is_expected = visitor.state !== undefined && sent.get('state') === visitor.state
  if (!is_expected || sent.get('iss') !== issuer) {
    return show(visitor, 'This answer was not asked for', '<p>Please begin again.</p>', 400)
  }
  const { verifier } = visitor
  delete visitor.state
  delete visitor.verifier
  if (sent.has('error')) {
    visitor.told = sent.get('error') === 'access_denied'
      ? 'You did not allow it, and that is fine.'
      : `It did not work: ${sent.get('error_description') ?? sent.get('error')}`
    return see('/', visitor)
  }
  // 3. The code becomes tokens.
  await take_tokens(visitor, {
    grant_type: 'authorization_code',
    code: sent.get('code'),
    redirect_uri: redirect_uri(),
    code_verifier: verifier,
  })
  return see('/', visitor)
}

// 4. Each call of the API carries the access token. One that is not taken any more is refreshed
//    once; when that is refused too, the user has disconnected the app.
async function call(visitor, path) {
  const get = () => fetch(api + path, {
    headers: { authorization: `Bearer ${visitor.tokens.access_token}` },
  })
  const first = await get()
  if (first.status !== 401) return first
  await refresh(visitor)
  return visitor.tokens === undefined ? first : get()
}

// 5. A refresh token is good for one use: the answer has the next one. Two calls at a time would
//    each use it, so they share one.
async function refresh(visitor) {
  const { refresh_token } = visitor.tokens
  visitor.refreshing ??= take_tokens(visitor, { grant_type: 'refresh_token', refresh_token })
    .finally(() => delete visitor.refreshing)
  await visitor.refreshing
}

async function take_tokens(visitor, parameters) {
  const { token_endpoint } = await metadata()
  const answer = await fetch(token_endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials()}` },
    body: new URLSearchParams(parameters),
  })
  const body = await answer.json()
  if (answer.ok) {
    visitor.tokens = body
    visitor.refreshes = parameters.grant_type === 'refresh_token' ? visitor.refreshes + 1 : 0
    return
  }
  if (body.error !== 'invalid_grant') {
    throw new Error(`${body.error}: ${body.error_description}`)
  }
  delete visitor.tokens
  visitor.told = 'The connection has ended.'
}

async function home(visitor) {
  if (visitor.tokens === undefined) {
    const told = visitor.told === undefined ? '' : `<p role="status">${escape(visitor.told)}</p>`
    delete visitor.told
    return show(visitor, 'Leads on a page', `${told}<p>See the leads of your account here.</p>
      <form method="post" action="/connect"><button>Connect</button></form>`)
  }
  const answer = await call(visitor, '/v1/leads')
  if (visitor.tokens === undefined) return see('/', visitor)
  const body = await answer.json()
  const leads = answer.ok
    ? `<ul>${body.data.map((lead) => `<li>${escape(lead.name)}</li>`).join('')}</ul>`
    : `<p role="status">${escape(body.error.message)}</p>`
  return show(visitor, 'Your leads', `${leads}
    <p>Refreshed ${visitor.refreshes} times.</p>
    <form method="post" action="/refresh"><button>Refresh</button></form>
    <form method="post" action="/disconnect"><button>Disconnect</button></form>`)
}

async function refresh_now(visitor) {
  if (visitor.tokens !== undefined) await refresh(visitor)
  return see('/', visitor)
}

// 6. An app that is not needed any more gives its tokens back (RFC 7009).
async function disconnect(visitor) {
  if (visitor.tokens !== undefined) {
    const { revocation_endpoint } = await metadata()
    await fetch(revocation_endpoint, {
      method: 'POST',
      headers: { authorization: `Basic ${credentials()}` },
      body: new URLSearchParams({ token: visitor.tokens.refresh_token }),
    })
    delete visitor.tokens
  }
  return see('/', visitor)
}

/** What the server says of itself (RFC 8414): its endpoints need not be guessed. */
async function metadata() {
  const answer = await fetch(`${issuer}/.well-known/oauth-authorization-server`)
  if (!answer.ok) throw new Error(`no metadata: ${answer.status}`)
  const found = await answer.json()
  if (found.issuer !== issuer) throw new Error(`the issuer is ${found.issuer}, not ${issuer}`)
  return found
}

/** Id and secret for the header: encoded as in a form, then as Basic (RFC 6749 section 2.3.1). */
function credentials() {
  const encoded = [client.id, client.secret].map(encodeURIComponent).join(':')
  return Buffer.from(encoded).toString('base64')
}

function visitor_of(request) {
  const [, known] = /(?:^|; )visitor=([\w-]+)/.exec(request.headers.cookie ?? '') ?? []
  const id = visitors.has(known) ? known : random()
  if (id !== known) visitors.set(id, { id })
  return visitors.get(id)
}

function see(location, { id }) {
  return { status: 303, headers: { location, ...cookie(id) } }
}

function show({ id }, title, content, status = 200) {
  const headers = { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' }
  return { status, headers: { ...headers, ...cookie(id) }, body: page(title, content) }
}

function cookie(id) {
  return { 'set-cookie': `visitor=${id}; Path=/; HttpOnly; SameSite=Lax` }
}

function random() {
  return randomBytes(32).toString('base64url')
}

function required(name) {
  const value = process.env[name]
  if (value === undefined || value === '') {
    console.error(`${name} is not set: make an app of kind "app" and give its id and secret`)
    process.exit(2)
  }
  return value
}
