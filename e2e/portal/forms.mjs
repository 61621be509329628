// The states of pages to which their forms lead: bad input, something created, asked again.

import { ask } from './rest.mjs'

const WORDS = 'A name that was typed'

/** Presses a button; the answer of the page that it leads to. */
async function press(page, name) {
  const button = page.getByRole('button', { name, exact: true })
  const [answer] = await Promise.all([page.waitForNavigation(), button.click()])
  return answer
}

/** Sends the form without what the browser would ask for. */
async function sendAnyway(page, name) {
  await page.locator('form').evaluateAll((forms) => forms.forEach((form) => {
    form.noValidate = true
    form.querySelectorAll('[required]').forEach((field) => field.removeAttribute('required'))
  }))
  return press(page, name)
}

/** Looks for something in the box above each page. */
async function find(page, text) {
  const box = page.locator('input[name=q]').first()
  await box.fill(text)
  const [answer] = await Promise.all([page.waitForNavigation(), box.press('Enter')])
  return answer
}

export const forms = {
  keys: [
    { state: 'none of a status', path: () => '/keys?status=expired' },
  ],
  newWebhook: [
    {
      state: 'bad input', once: true, status: 422,
      reach: async (page) => {
        await page.getByLabel('URL').fill('https://10.0.0.1/inside')
        return sendAnyway(page, 'Create')
      },
    },
    {
      state: 'created', once: true,
      reach: async (page) => {
        await page.getByLabel('URL').fill('https://new.claviger.test/')
        await page.locator('select[name=events]').selectOption(['key.created', 'key.revoked'])
        return press(page, 'Create')
      },
    },
  ],
  newKey: [
    {
      state: 'bad input', once: true, status: 422,
      reach: async (page) => {
        await page.getByLabel('Description').fill(WORDS)
        return sendAnyway(page, 'Save Changes')
      },
    },
    {
      state: 'created', once: true, status: undefined,
      reach: async (page) => {
        await page.getByLabel('Name', { exact: true }).fill('Made on a page')
        await page.locator('select[name=scopes]').selectOption(['read:leads', 'write:leads'])
        return press(page, 'Save Changes')
      },
    },
    { state: 'prefilled', path: () => '/keys/new?name=Nightly&scopes=read:leads&active=no' },
  ],
  key: [
    {
      state: 'bad input', status: 422,
      reach: async (page) => {
        await page.getByLabel('Name', { exact: true }).fill('')
        return sendAnyway(page, 'Save Changes')
      },
    },
    {
      state: 'saved',
      reach: (page) => press(page, 'Save Changes'),
    },
  ],
  revokeKey: [
    {
      state: 'revoked',
      path: ({ one }) => `/keys/${one.unwanted.shift().id}/revoke`,
      reach: (page) => press(page, 'Revoke'),
    },
  ],
  find: [
    { state: 'a name', once: true, reach: (page, world) => find(page, world.one.key.name) },
    { state: 'a pasted key', reach: (page, world) => find(page, world.one.key.key) },
    { state: 'nothing', reach: (page) => find(page, 'nothing is called so') },
  ],
  newClient: [
    {
      state: 'bad input', status: 422,
      reach: async (page) => {
        await page.getByLabel('Description').fill(WORDS)
        return sendAnyway(page, 'Create')
      },
    },
    {
      state: 'created', once: true,
      reach: async (page) => {
        await page.getByLabel('Name', { exact: true }).fill('Made on a page')
        await page.locator('select[name=scopes]').selectOption(['read:leads', 'write:leads'])
        return press(page, 'Create')
      },
    },
  ],
  rotate: [
    {
      state: 'rotated', path: ({ one }) => `/clients/${one.toRotate.shift().id}/rotate`,
      reach: (page) => press(page, 'Rotate'),
    },
    {
      state: 'bad input', status: 422,
      reach: async (page) => {
        await page.locator('input[value=at]').check()
        return sendAnyway(page, 'Rotate')
      },
    },
  ],
  legacyKey: [
    {
      state: 'generated', who: 'many', path: () => '/legacy-key',
      // Once with scripts and once without: there is one key at a time.
      reach: async (page, { base, many }) => {
        await ask(base, many.session, 'DELETE', '/v1/legacy-key').catch(() => null)
        await page.reload()
        return press(page, 'Generate')
      },
    },
  ],
  newApp: [
    {
      state: 'bad input', status: 422,
      reach: async (page) => {
        await page.getByLabel('Description').fill(WORDS)
        return sendAnyway(page, 'Create app')
      },
    },
  ],
  usage: [
    { state: 'an hour', path: () => '/usage?span=1h', who: 'many' },
  ],
  invite: [
    {
      state: 'bad input', status: 422,
      reach: async (page) => {
        await page.getByLabel('Email').first().fill('no address')
        return sendAnyway(page, 'Make invitation')
      },
    },
  ],
  signIn: [
    {
      state: 'wrong password', once: true, status: 422,
      reach: async (page) => {
        await page.getByLabel('Email', { exact: true }).fill('nobody@acme.test')
        await page.getByLabel('Password', { exact: true }).fill('no password')
        return press(page, 'Sign in')
      },
    },
  ],
  leaked: [
    {
      state: 'nothing entered', status: 422,
      reach: async (page) => {
        await page.getByLabel('Credential', { exact: true }).fill(' ')
        return press(page, 'Report')
      },
    },
  ],
  device: [
    {
      state: 'wrong code', status: 422,
      reach: async (page) => {
        await page.getByLabel('Code', { exact: true }).fill('AAAA-AAAA')
        return press(page, 'Continue')
      },
    },
  ],
}
