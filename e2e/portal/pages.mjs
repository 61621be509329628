// Every page, the states in which it is checked, and how to get there.
//
// `data` are the accounts (world.mjs) whose owner opens it; `viewer` is the status for somebody
// with no permission. `also` has the states that forms lead to.

import { forms } from './forms.mjs'

export const SHEET_TITLE = '^.+ - .+$'

const EVERYBODY = ['one', 'empty', 'many', 'odd']
const WITH_CROWD = [...EVERYBODY, 'crowd']
const WITH_THINGS = ['one', 'many', 'odd']
/** Pages that belong to no account have nothing but their own name in their title. */
const SHEET = { title: SHEET_TITLE }

const KEYS = [
  { name: 'overview', path: () => '/', data: WITH_CROWD, viewer: 200 },
  { name: 'credentials', path: () => '/credentials', data: WITH_CROWD, viewer: 403 },
  { name: 'find', path: () => '/find', data: ['one'], viewer: 403, also: forms.find },
  { name: 'keys', path: () => '/keys', data: WITH_CROWD, viewer: 403, also: forms.keys },
  { name: 'keys, test', path: () => '/keys?environment=test', data: ['many', 'empty'],
    environment: 'Test' },
  { name: 'key, new', path: () => '/keys/new', data: ['one', 'many'], viewer: 403,
    also: forms.newKey },
  { name: 'key', path: ({ key }) => `/keys/${key.id}`, data: [...WITH_THINGS, 'crowd'],
    viewer: 403, also: forms.key },
  { name: 'key, revoked', path: ({ revoked }) => `/keys/${revoked.id}`, data: ['one'] },
  { name: 'key, revoke', path: ({ key }) => `/keys/${key.id}/revoke`, data: WITH_THINGS,
    viewer: 403, also: forms.revokeKey },
  { name: 'legacy key', path: () => '/legacy-key', data: ['one', 'empty'], viewer: 403,
    also: forms.legacyKey },
]

const CLIENTS = [
  { name: 'clients', path: () => '/clients', data: EVERYBODY, viewer: 403 },
  { name: 'client, new', path: () => '/clients/new', data: ['one', 'many'], viewer: 403,
    also: forms.newClient },
  { name: 'client', path: ({ client }) => `/clients/${client.id}`, data: WITH_THINGS, viewer: 403 },
  { name: 'client, rotating', path: ({ rotating }) => `/clients/${rotating.id}`, data: ['one'] },
  ofClient('edit', 'edit'),
  { ...ofClient('rotate', 'rotate'), also: forms.rotate },
  ofClient('end tokens', 'end-tokens'),
  ofClient('delete', 'delete'),
  ofClient('new secret', 'secrets/new'),
  { ...ofClient('revoke secret', ''),
    path: ({ client }) => `/clients/${client.id}/secrets/${client.secrets[0].id}/revoke` },
  ...['stop', 'longer', 'cancel'].map((verb) => ({
    name: `rotation, ${verb}`, path: ({ rotating }) => `/clients/${rotating.id}/rotate/${verb}`,
    data: ['one'], viewer: 403,
  })),
  { name: 'apps', path: () => '/apps', data: EVERYBODY, viewer: 403 },
  { name: 'app, new', path: () => '/apps/new', data: ['one'], viewer: 403, also: forms.newApp },
  { name: 'app', path: ({ app }) => `/apps/${app.id}`, data: WITH_THINGS, viewer: 403 },
  ...['edit', 'delete', 'secrets/new'].map((verb) => ({
    name: `app, ${verb}`, path: ({ app }) => `/apps/${app.id}/${verb}`, data: WITH_THINGS,
    viewer: 403,
  })),
  { name: 'connected apps', path: () => '/connected-apps', data: EVERYBODY, viewer: 200 },
]

const EVIDENCE = [
  { name: 'usage', path: () => '/usage', data: WITH_CROWD, viewer: 403, also: forms.usage },
  { name: 'decisions', path: () => '/decisions', data: EVERYBODY, viewer: 403 },
  { name: 'decision', path: ({ refused }) => `/decisions/${refused}`, data: WITH_THINGS,
    viewer: 403 },
  { name: 'audit', path: () => '/audit', data: WITH_CROWD, viewer: 403 },
]

const PEOPLE = [
  { name: 'settings', path: () => '/settings', data: ['one', 'odd'], viewer: 200 },
  { name: 'environments', path: () => '/environments', data: ['one', 'odd'], viewer: 200 },
  { name: 'webhooks', path: () => '/webhooks', data: ['one', 'odd', 'empty'], viewer: 403 },
  { name: 'webhook, new', path: () => '/webhooks/new', data: ['one'], viewer: 403,
    also: forms.newWebhook },
  ...['', '/edit', '/secret', '/delete'].map((verb) => ({
    name: `webhook${verb.replace('/', ', ')}`, data: ['one', 'odd'], viewer: 403,
    path: ({ webhook }) => `/webhooks/${webhook.id}${verb}`,
  })),
  { name: 'webhook, delivery', data: ['one'], viewer: 403,
    path: ({ webhook, delivery }) => `/webhooks/${webhook.id}/deliveries/${delivery.id}` },
  { name: 'environments, reset', path: () => '/environments/reset', data: ['one'],
    viewer: 403 },
  { name: 'environments, was reset', path: () => '/environments?done=reset', data: ['one'],
    viewer: 200 },
  { name: 'team', path: () => '/team', data: EVERYBODY, viewer: 403 },
  { name: 'invite', path: () => '/team/invite', data: ['one', 'many'], viewer: 403,
    also: forms.invite },
  { name: 'member', path: ({ colleague }) => `/team/${colleague}`, data: ['one'], viewer: 403 },
  { name: 'member, remove', path: ({ colleague }) => `/team/${colleague}/remove`, data: ['one'],
    viewer: 403 },
  { name: 'invitation, withdraw', data: ['one'], viewer: 403,
    path: ({ invitation }) => `/team/invitations/${invitation.id}/withdraw` },
  { name: 'invitation', path: ({ one }) => `/invitation?token=${one.invitation.token}`,
    data: [null], ...SHEET },
  { name: 'roles', path: () => '/roles', data: EVERYBODY, viewer: 403 },
  { name: 'role, new', path: () => '/roles/new', data: ['one'], viewer: 403 },
  { name: 'role', path: ({ role }) => `/roles/${role.id}`, data: WITH_THINGS, viewer: 403 },
  { name: 'role, delete', path: ({ role }) => `/roles/${role.id}/delete`, data: ['one'],
    viewer: 403 },
  { name: 'account settings', path: () => '/account', data: ['one', 'odd'], viewer: 200 },
  { name: 'password', path: () => '/account/password', data: ['one'], viewer: 200 },
  { name: 'sessions, end', path: () => '/account/sessions/end', data: ['one'], viewer: 200 },
  { name: 'switch account', path: () => '/account/switch', data: ['one'], viewer: 200 },
]

const OPERATOR = [
  ofOperator('health', ''),
  ofOperator('policies', '/policies'),
  ofOperator('operators', '/operators'),
  ofOperator('operator, new', '/operators/new'),
  ofOperator('webhooks', '/webhooks'),
  ofOperator('webhook, new', '/webhooks/new'),
  ofOperator('signing keys', '/signing-keys'),
  ofOperator('signing keys, rotate', '/signing-keys/rotate'),
  ofOperator('accounts', '/accounts'),
  ofOperator('account, new', '/accounts/new'),
  ...['', '/rename', '/suspend', '/end-tokens', '/members/new'].map((verb) => ({
    ...ofOperator(`account${verb.replace('/', ', ')}`, ''),
    path: ({ account }) => `/operator/accounts/${account}${verb}`,
  })),
  ofOperator('apis', '/apis'),
  ofOperator('api, new', '/apis/new'),
  ...['', '/edit', '/scopes', '/routes', '/delete', '/import'].map((verb) => ({
    ...ofOperator(`api${verb.replace('/', ', ')}`, ''),
    path: ({ api }) => `/operator/apis/${api}${verb}`,
  })),
]

const SHEETS = [
  { name: 'nothing there', path: () => '/keys/key_00000000000000000000000000', data: ['one'],
    status: 404, ...SHEET },
  { name: 'sign in', path: () => '/sign-in', data: [null], also: forms.signIn, ...SHEET },
  { name: 'device', path: () => '/device', data: ['one'], also: forms.device, ...SHEET },
  { name: 'leaked', path: () => '/leaked', data: [null], also: forms.leaked, ...SHEET },
  { name: 'consent', path: consentOf, data: ['one', 'many', 'odd'], isForAll: true, ...SHEET },
]

/** The pages. */
export const PAGES = [...KEYS, ...CLIENTS, ...EVIDENCE, ...PEOPLE, ...OPERATOR, ...SHEETS]

function ofClient(name, verb) {
  const path = ({ client }) => `/clients/${client.id}/${verb}`
  return { name: `client, ${name}`, path, data: WITH_THINGS, viewer: 403 }
}

function ofOperator(name, path) {
  return { name: `operator: ${name}`, path: () => `/operator${path}`, data: ['operator'],
    viewer: 403 }
}

function consentOf({ app }) {
  const asked = new URLSearchParams({
    client_id: app.id, redirect_uri: app.redirect_uris[0], response_type: 'code',
    scope: 'read:leads', state: 'x',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256',
  })
  return `/oauth/authorize?${asked}`
}
