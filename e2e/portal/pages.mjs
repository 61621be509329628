// Every page, the states in which it is checked, and how to get there.
//
// `data` are the accounts (world.mjs) whose owner opens it; `viewer` is the status for somebody
// with no permission; `foreign` is its path with a thing of another account; `operator` says that
// the operator alone may open it. `also` has the states that forms lead to.

import { forms } from './forms.mjs'

const EVERYBODY = ['one', 'empty', 'many', 'odd']
const WITH_CROWD = [...EVERYBODY, 'crowd']
const WITH_THINGS = ['one', 'many', 'odd']
const TITLE = '^.+ - .+ - .+$'
const SHEET_TITLE = '^.+ - .+$'

/** The pages. */
export const PAGES = [
  { name: 'overview', path: () => '/', data: WITH_CROWD, viewer: 200 },
  { name: 'credentials', path: () => '/credentials', data: WITH_CROWD },
  { name: 'keys', path: () => '/keys', data: WITH_CROWD, viewer: 403, also: forms.keys },
  { name: 'keys, test', path: () => '/keys?environment=test', data: ['many', 'empty'],
    environment: 'Test' },
  { name: 'key, new', path: () => '/keys/new', data: ['one', 'many'], viewer: 403,
    also: forms.newKey },
  { name: 'key', path: ({ key }) => `/keys/${key.id}`, data: [...WITH_THINGS, 'crowd'],
    viewer: 403, also: forms.key },
  { name: 'key, revoked', path: ({ revoked }) => `/keys/${revoked.id}`, data: ['one'] },
  { name: 'key, revoke', path: ({ key }) => `/keys/${key.id}/revoke`, data: WITH_THINGS,
    viewer: 403 },
  { name: 'clients', path: () => '/clients', data: EVERYBODY, viewer: 200 },
  { name: 'client, new', path: () => '/clients/new', data: ['one', 'many'], viewer: 403,
    also: forms.newClient },
  { name: 'client', path: ({ client }) => `/clients/${client.id}`, data: WITH_THINGS, viewer: 200 },
  { name: 'client, edit', path: ({ client }) => `/clients/${client.id}/edit`, data: WITH_THINGS,
    viewer: 403 },
  { name: 'client, rotate', path: ({ client }) => `/clients/${client.id}/rotate`,
    data: WITH_THINGS, viewer: 403 },
  { name: 'client, new secret', path: ({ client }) => `/clients/${client.id}/secrets/new`,
    data: WITH_THINGS, viewer: 403 },
  { name: 'client, revoke secret', data: WITH_THINGS, viewer: 403,
    path: ({ client }) => `/clients/${client.id}/secrets/${client.secrets[0].id}/revoke` },
  { name: 'client, delete', path: ({ client }) => `/clients/${client.id}/delete`,
    data: WITH_THINGS, viewer: 403 },
  { name: 'legacy key', path: () => '/legacy-key', data: ['one', 'empty'], also: forms.legacyKey },
  { name: 'apps', path: () => '/apps', data: EVERYBODY, viewer: 200 },
  { name: 'app, new', path: () => '/apps/new', data: ['one'], viewer: 403, also: forms.newApp },
  { name: 'app', path: ({ app }) => `/apps/${app.id}`, data: WITH_THINGS, viewer: 200 },
  { name: 'connected apps', path: () => '/connected-apps', data: EVERYBODY, viewer: 200 },
  { name: 'usage', path: () => '/usage', data: WITH_CROWD, viewer: 403 },
  { name: 'decisions', path: () => '/decisions', data: EVERYBODY, viewer: 403 },
  { name: 'decision', path: ({ refused }) => `/decisions/${refused}`, data: WITH_THINGS },
  { name: 'audit', path: () => '/audit', data: WITH_CROWD, viewer: 403 },
  { name: 'settings', path: () => '/settings', data: ['one', 'odd'], viewer: 200 },
  { name: 'team', path: () => '/team', data: EVERYBODY, viewer: 403 },
  { name: 'roles', path: () => '/roles', data: EVERYBODY },
  { name: 'environments', path: () => '/environments', data: ['one'] },
  { name: 'account settings', path: () => '/account', data: ['one', 'odd'], viewer: 200 },
  { name: 'nothing there', path: () => '/keys/key_00000000000000000000000000', data: ['one'],
    status: 404, title: SHEET_TITLE },
  { name: 'sign in', path: () => '/sign-in', data: [null], title: SHEET_TITLE,
    also: forms.signIn },
  { name: 'device', path: () => '/device', data: ['one'], title: SHEET_TITLE, also: forms.device },
  { name: 'consent', path: consentOf, data: ['one', 'many', 'odd'], title: SHEET_TITLE },
]

/** The cells: each page in each of its states, or each page once. */
export function cells({ every, only }) {
  const all = PAGES.flatMap((page) => cellsOf(page, every))
  return all.filter(({ name, state }) => !only || new RegExp(only).test(`${name}: ${state}`))
}

function cellsOf(page, every) {
  const { name, path, data, title = TITLE, environment } = page
  const cell = { name, title, environment, at: undefined, status: page.status }
  const own = data.map((who) => ({
    ...cell, state: who ?? 'nobody', who, path: (world) => path(who ? world[who] : world, world),
  }))
  const also = (page.also ?? []).map((state) => ({
    ...cell, who: data[0], path: own[0].path, ...state,
  }))
  if (!every) return [own[0], ...also.filter(({ once }) => once)]
  const others = []
  if (page.viewer) {
    others.push({ ...cell, state: 'a viewer', who: 'viewer', status: page.viewer,
      path: ({ one }) => path(one), title: page.viewer === 200 ? title : SHEET_TITLE })
  }
  const isOwn = data[0] === 'one' && page.status === undefined
  if (isOwn) {
    others.push({ ...cell, state: 'session expired', who: 'expired', at: '/sign-in?next=',
      path: ({ one }) => path(one), title: SHEET_TITLE })
  }
  if (isOwn && /[a-z]+_[0-9a-z]{20}/.test(path(SOME_THINGS) ?? '')) {
    others.push({ ...cell, state: "another account's", who: 'empty', status: 404,
      path: ({ one }) => path(one), title: SHEET_TITLE })
  }
  return [...own, ...also, ...others]
}

/** Things with ids, to see which paths have one. */
const ID = 'id_00000000000000000000000000'
const SOME_THINGS = {
  key: { id: ID }, client: { id: ID, secrets: [{ id: ID }] }, app: { id: ID, redirect_uris: [''] },
  revoked: { id: ID }, role: { id: ID }, refused: ID,
}

function consentOf({ app }) {
  const asked = new URLSearchParams({
    client_id: app.id, redirect_uri: app.redirect_uris[0], response_type: 'code',
    scope: 'read:leads', state: 'x',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256',
  })
  return `/oauth/authorize?${asked}`
}
