// Document 002 in its own words: a key is generated, its scope edited, and it is inactivated.

import assert from 'node:assert/strict'

import { expectStatus } from '../gateway.mjs'
import { enter, perform } from './journey.mjs'

const POST_USERS = 'POST api.example.com/users'
const GET_REPORT = 'GET api.example.com/reports/1'

await perform(async (hand, facts) => {
  const name = `Import by ${hand.way}`
  // "Please sign in to your Administration Portal. From the left navigation menu, please select
  // 'API' and then 'API Keys'."
  await enter(hand, facts)
  await hand.press('API')
  await hand.press('API Keys')
  assert.equal(await hand.heading(), 'API Keys')
  // "Please select the 'Add API Key' button found in the top right."
  await hand.press('Add API Key')
  // "Please give it a name (1), select the scope (2), and choose 'Yes' under 'Active' (3)."
  await hand.fill('Name', name)
  await hand.chooseAll('scopes', ['read:users', 'write:users'])
  await hand.pick('Active', 'Yes')
  // "Please click the 'Save Changes' button when you are finished (4)."
  await hand.press('Save Changes')
  // "It will be visible in a green banner at the top of your page."
  const banner = hand.page.getByRole('status').filter({ has: hand.page.locator('output') })
  const key = (await banner.locator('output').first().innerText()).trim()
  await expectGreenAndOnTop(hand, banner)
  // "You can click the clipboard to copy the key."
  if (hand.hasScript) {
    await hand.touch('Copy key')
    await hand.page.getByRole('button', { name: 'Copied' }).waitFor()
    assert.equal(await hand.clipboard(), key)
  }
  await expectStatus(facts, POST_USERS, key, 200)
  await expectStatus(facts, GET_REPORT, key, 403)

  // "The key will not be shown again."
  await toKeys(hand)
  assert.ok(!(await hand.page.content()).includes(key), 'the key is on a later page')

  // "Please click the name of the key from the API keys page." "You can make changes under
  // 'Scope' and then select save."
  await hand.press(name)
  assert.ok(!(await hand.page.content()).includes(key), 'the key is on its page')
  await hand.chooseAll('scopes', ['read:reports'])
  await hand.press('Save Changes')
  await expectStatus(facts, POST_USERS, key, 403)
  await expectStatus(facts, GET_REPORT, key, 200)

  // "Inactivate it by selecting its name from the API Keys page. Then select 'No' under 'Active'
  // and save your changes." "The status of the key ... will now say 'INACTIVE'."
  await setActive(hand, name, 'No')
  await toKeys(hand)
  assert.match(await rowOf(hand, name).innerText(), /INACTIVE/)
  await expectStatus(facts, GET_REPORT, key, 401)

  await setActive(hand, name, 'Yes')
  await toKeys(hand)
  assert.match(await rowOf(hand, name).innerText(), /(^|\s)ACTIVE/)
  await expectStatus(facts, GET_REPORT, key, 200)
})

async function toKeys(hand) {
  await hand.press('API')
  await hand.press('API Keys')
}

async function setActive(hand, name, choice) {
  await toKeys(hand)
  await hand.press(name)
  await hand.pick('Active', choice)
  await hand.press('Save Changes')
}

function rowOf(hand, name) {
  return hand.page.getByRole('row').filter({ hasText: name })
}

/** The banner is green, and nothing of the page but its title is above it. */
async function expectGreenAndOnTop(hand, banner) {
  const colour = await banner.evaluate((element) => getComputedStyle(element).backgroundColor)
  const [red, green, blue] = colour.match(/[\d.]+/g).map(Number)
  assert.ok(green > red && green > blue, `the banner is ${colour}`)
  const box = await banner.boundingBox()
  assert.ok(box.y < 400, `the banner begins at ${box.y} px`)
}
