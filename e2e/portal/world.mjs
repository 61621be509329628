// The accounts that the pages are seen with: one with nothing, one with one of each, one with many,
// one whose names are hard to show, one with ten thousand keys. Everything is made over REST, by
// the operator and the members.

import { ask, forEach, signIn } from './rest.mjs'

const PASSWORD = 'a password for tests'
const DAY_MILLIS = 86_400_000
const MANY = 75
const CROWD = 10_000
const LONG = 'Nachtlicher-Abgleich-der-Rechnungen-mit-dem-Archiv-'.repeat(4).slice(0, 200)
const WORDY = 'The importer that runs at night on the old server in the basement and which nobody '
  .repeat(3).slice(0, 200).trim()
/** Names as people give them. */
const ODD_NAMES = [LONG, WORDY, 'مفتاح التكامل مع نظام الفواتير', 'מפתח <b>בדיקה</b>',
  '🔑🧑‍👩‍👧‍👦🏳️‍🌈 Ключ', 'q\u0301a\u0308 & "quotes" \'n\' <script>alert(1)</script>',
  '\u200b.', '漢字'.repeat(60)]

/** Makes the accounts; the people in them, by the state that each shows. */
export async function makeWorld({ base, session, every }) {
  const world = { base, operator: { session }, PASSWORD }
  const people = [['empty', 'Empty'], ['one', 'Acme Estates'], ['many', 'Many of everything'],
    ['odd', `${ODD_NAMES[2]} ${LONG}`.slice(0, 200)]]
  for (const [state, account] of people) {
    world[state] = await member(world, await newAccount(world, account), `${state}@acme.test`)
  }
  const { account } = world.one
  world.viewer = await member(world, account, 'viewer@acme.test', 'viewer')
  world.one.colleague = world.viewer.user
  const apis = await ask(base, session, 'GET', '/v1/apis')
  world.operator = { session, account, api: apis.data[0].id }
  await fillOne(world.one, base)
  await fillMany(world.many, base)
  await fillOdd(world.odd, base)
  if (every) {
    world.crowd = await member(world, await newAccount(world, 'A crowd'), 'crowd@acme.test')
    await fillCrowd(world.crowd, base)
  }
  return world
}

async function newAccount({ base, operator }, name) {
  return (await ask(base, operator.session, 'POST', '/v1/accounts', { name })).id
}

async function member({ base, operator }, account, email, role = 'owner') {
  const body = { account_id: account, email, password: PASSWORD, role }
  const { user_id: user } = await ask(base, operator.session, 'POST', '/v1/members', body)
  const session = await signIn(base, email, PASSWORD)
  return { account, email, password: PASSWORD, user, session, role }
}

function makerOf({ session }, base) {
  return (path, body) => ask(base, session, 'POST', path, body)
}

async function fillOne(one, base) {
  const make = makerOf(one, base)
  const scopes = ['read:leads', 'write:leads']
  one.key = await make('/api/keys', {
    name: 'Import', description: 'Brings the leads in.', scopes,
    expires_at: Date.now() + 5 * DAY_MILLIS, allowed_ips: ['127.0.0.0/8'],
  })
  one.client = await make('/v1/clients', { name: 'Warehouse', kind: 'machine', scopes })
  await make(`/v1/clients/${one.client.id}/secrets`, { description: 'The second' })
  one.app = await make('/v1/clients', {
    name: 'Calendar', kind: 'app', scopes, redirect_uris: ['https://calendar.example/callback'],
  })
  one.revoked = await make('/api/keys', { name: 'Old script', scopes })
  await ask(base, one.session, 'DELETE', `/api/keys/${one.revoked.id}`)
  one.invitation = await make('/v1/members', { email: 'guest@acme.test', role: 'viewer' })
  one.role = await make('/v1/roles', {
    name: 'Billing', permissions: ['settings'], scopes: ['read:*'],
  })
  const machine = { name: 'Rotated', kind: 'machine', scopes }
  one.rotating = await make('/v1/clients', machine)
  await make(`/v1/clients/${one.rotating.id}/rotations`, { old_ends: 'after_first_use' })
  // What pages take away when they are checked: twice each, since scripts are on once.
  one.toRotate = [await make('/v1/clients', machine), await make('/v1/clients', machine)]
  one.unwanted = [await make('/api/keys', { name: 'Unwanted', scopes }),
    await make('/api/keys', { name: 'Unwanted', scopes })]
  await fillWebhooks(one, base)
  await use(base, one.key.key, ['GET', 'POST', 'DELETE'])
  await use(base, one.revoked.key, ['GET'])
  one.refused = await refusalOf(base, one.revoked.key)
}

/** Webhooks to an address where nobody is, one switched off; and a message with an attempt. */
async function fillWebhooks(one, base) {
  const make = makerOf(one, base)
  const url = 'https://webhooks.claviger.test/a/rather/long/path?with=a-query'
  one.webhook = await make('/v1/webhooks', { url, events: ['key.created', 'key.revoked'] })
  const path = `/v1/webhooks/${one.webhook.id}`
  one.delivery = await make(`${path}/test`, {})
  const off = await make('/v1/webhooks', { url: 'https://off.claviger.test/', events: ['*'] })
  await ask(base, one.session, 'PATCH', `/v1/webhooks/${off.id}`, { active: false })
}

/** Requests to the demo API, some of which are refused. */
async function use(base, bearer, methods) {
  for (const method of methods) {
    const headers = { authorization: `Bearer ${bearer}` }
    await fetch(`${base}/demo/v1/leads`, { method, headers })
  }
}

async function refusalOf(base, bearer, things = 'leads') {
  const headers = { authorization: `Bearer ${bearer}` }
  const answer = await fetch(`${base}/demo/v1/${things}`, { headers })
  return answer.headers.get('request-id')
}

async function fillMany(many, base) {
  const make = makerOf(many, base)
  const all = ['read:leads', 'write:leads', 'read:properties', 'write:properties', 'read:people',
    'write:people', 'read:interviews', 'write:interviews', 'read:analytics', 'webhooks']
  const keys = await forEach(Array.from({ length: MANY }), (_, index) => make('/api/keys', {
    name: `Key ${index}`,
    scopes: all.slice(0, 1 + index % all.length),
    environment: index % 5 === 4 ? 'test' : 'live',
    active: index % 7 !== 3,
    ...index % 3 === 0 && { expires_at: Date.now() + (1 + index) * DAY_MILLIS },
  }))
  many.key = keys.find((key) => key.scopes.length === all.length && key.active)
  const clients = await forEach(Array.from({ length: MANY }), (_, index) =>
    make('/v1/clients', { name: `Client ${index}`, kind: 'machine', scopes: all.slice(0, 3) }))
  many.client = clients[0]
  // A client may have few at a time.
  for (const description of ['Blue', 'Green']) {
    await make(`/v1/clients/${many.client.id}/secrets`, { description }).catch(() => null)
  }
  const apps = await forEach(Array.from({ length: 40 }), (_, index) => make('/v1/clients', {
    name: `App ${index}`, kind: 'app', scopes: all.slice(0, 3),
    redirect_uris: [0, 1, 2, 3].map((at) => `https://app${index}.example/callback/${at}`),
  }))
  many.app = apps[0]
  await forEach(Array.from({ length: 40 }), (_, index) =>
    make('/v1/members', { email: `colleague${index}@acme.test`, role: 'developer' }))
  many.role = (await forEach(Array.from({ length: 12 }), (_, index) => make('/v1/roles', {
    name: `Role ${index}`, permissions: ['settings'], scopes: all.slice(0, 1 + index % 9),
  })))[0]
  for (const key of keys.slice(0, 20)) await use(base, key.key, ['GET', 'POST'])
  many.refused = await refusalOf(base, keys[3].key)
}

async function fillOdd(odd, base) {
  const make = makerOf(odd, base)
  const scopes = ['read:leads']
  const text = { description: WORDY }
  const keys = await forEach(ODD_NAMES, (name) => make('/api/keys', { name, scopes, ...text }), 1)
  odd.key = keys[0]
  odd.rightToLeft = keys[2]
  const clients = await forEach(ODD_NAMES, (name) =>
    make('/v1/clients', { name, kind: 'machine', scopes, ...text }), 1)
  odd.client = clients[0]
  await make(`/v1/clients/${odd.client.id}/secrets`, { description: LONG })
  const uri = `https://calendar.example/${'callback/'.repeat(20)}`
  const apps = await forEach(ODD_NAMES, (name) =>
    make('/v1/clients', { name, kind: 'app', scopes, redirect_uris: [uri], ...text }), 1)
  odd.app = apps[0]
  const hook = `https://webhooks.claviger.test/${'a-long-path/'.repeat(15)}`
  odd.webhook = await make('/v1/webhooks', { url: hook, events: ['*'] })
  await make(`/v1/webhooks/${odd.webhook.id}/test`, {})
  const local = 'a.very.long.name.of.a.person.who.reads.mail'
  const email = `${local}@${'department-of-integration.'.repeat(6)}example.com`
  await make('/v1/members', { email, role: 'viewer' })
  odd.role = await make('/v1/roles', { name: ODD_NAMES[2], permissions: [], scopes: ['read:*'] })
  await use(base, odd.key.key, ['GET', 'POST'])
  odd.refused = await refusalOf(base, odd.key.key, 'people')
}

async function fillCrowd(crowd, base) {
  const make = makerOf(crowd, base)
  const scopes = ['read:leads', 'write:leads']
  const keys = await forEach(Array.from({ length: CROWD }), (_, index) =>
    make('/api/keys', { name: `Key ${index}`, scopes, active: index % 9 > 0 }), 64)
  crowd.key = keys[CROWD / 2]
}
