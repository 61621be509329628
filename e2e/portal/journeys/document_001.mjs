// Document 001 in its own words: API credentials for chosen resources, their token, and the legacy
// API key.

import assert from 'node:assert/strict'

import { expectStatus } from '../gateway.mjs'
import { tokenBy } from '../tokens.mjs'
import { enter, perform } from './journey.mjs'

const AUDIENCE = 'https://api.example.com/v2'
const GET_JOBS = 'GET api.example.com/v2/jobs'
const GET_CUSTOMERS = 'GET api.example.com/v2/customers'

await perform(async (hand, facts) => {
  await enter(hand, facts)
  await toApiTab(hand)
  await credentials(hand, facts)
  await legacyKey(hand, facts)
})

/** "Click on 'Your Business' from the top navigation bar and choose Settings. Under Settings go to
 *  the tab 'API'." */
async function toApiTab(hand) {
  await hand.press('Your Business')
  await hand.press('Settings')
  const tabs = hand.page.locator('main')
  await hand.press('API', { within: tabs })
}

async function credentials(hand, facts) {
  const name = `Partner by ${hand.way}`
  await hand.press('Create API credentials')
  await hand.fill('Name', name)
  // "Select the appropriate resources and enable them for access. Click on Create."
  await hand.chooseAll('scopes', ['jobs'])
  await hand.press('Create')
  // "On successful creation, a new row will be displayed. Copy the Client ID and Client Secret by
  // clicking on the copy icon."
  const [id, secret] = await Promise.all(['Client ID', 'Client Secret'].map(async (label) =>
    (await hand.page.getByLabel(label, { exact: true }).innerText()).trim()))
  if (hand.hasScript) {
    for (const [label, value] of [['Client ID', id], ['Client Secret', secret]]) {
      await hand.touch(`Copy ${label}`)
      await hand.page.getByRole('button', { name: 'Copied' }).first().waitFor()
      assert.equal(await hand.clipboard(), value)
    }
  }
  await toApiTab(hand)
  const row = hand.page.getByRole('row').filter({ hasText: name })
  assert.ok((await row.innerText()).includes(id), 'the Client ID is in its row')
  assert.ok(!(await hand.page.content()).includes(secret), 'the secret is shown once')

  // "Make a POST request to the above endpoint." "-H 'Content-Type: application/json'"
  const asked = { client_id: id, client_secret: secret, audience: AUDIENCE }
  const token = await tokenBy(facts.base, 'json', asked)
  assert.equal(token.status, 200, JSON.stringify(token.body))
  const bearer = token.body.access_token
  await expectStatus(facts, GET_JOBS, bearer, 200)
  await expectStatus(facts, GET_CUSTOMERS, bearer, 403)
}

async function legacyKey(hand, facts) {
  // "Click the link on the banner to go to the legacy API page."
  await toApiTab(hand)
  const banner = hand.page.locator('.banner').filter({ has: hand.page.getByRole('link') }).first()
  const link = banner.getByRole('link').first()
  await Promise.all([hand.page.waitForNavigation(), hand.activate(link)])
  assert.match(await hand.text(), /Revert/)
  // "Click the purple 'Generate' button and your new API key will appear."
  await hand.press('Generate')
  const first = await shownKey(hand)
  await expectStatus(facts, 'GET api.example.com/v1/jobs', first, 200)
  await expectStatus(facts, GET_CUSTOMERS, first, 200)
  // "You can click the 'Revert' button on the legacy API page, which will revoke the previous key
  // and allow you to generate a new one."
  await revert(hand)
  await expectStatus(facts, 'GET api.example.com/v1/jobs', first, 401)
  await hand.press('Generate')
  const second = await shownKey(hand)
  assert.notEqual(second, first)
  await expectStatus(facts, 'GET api.example.com/v1/jobs', second, 200)
  await revert(hand)
}

async function revert(hand) {
  await hand.go('/legacy-key')
  await hand.press('Revert')
  // It asks once more, since it breaks whatever uses the key.
  if (await hand.named('Generate').count() === 0) await hand.press('Revert')
}

async function shownKey(hand) {
  return (await hand.page.locator('output').first().innerText()).trim()
}
