// "Copied" is said only of what was: where the browser has no clipboard or refuses it, the key is
// selected instead, so that one key press copies it.

import assert from 'node:assert/strict'

import { enter, perform } from './journey.mjs'

await perform(async (hand, facts) => {
  await enter(hand, facts, '/keys/new')
  assert.equal(await copyOfNew(hand), 'copied')
  // A page on plain http elsewhere has no clipboard at all.
  await hand.page.addInitScript(() => {
    Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true })
  })
  assert.equal(await copyOfNew(hand), 'selected')
  await hand.page.addInitScript(() => {
    const refuse = () => Promise.reject(new DOMException('no', 'NotAllowedError'))
    Object.defineProperty(navigator, 'clipboard', { value: { writeText: refuse } })
  })
  assert.equal(await copyOfNew(hand), 'selected')
}, ['mouse', 'keyboard'])

async function copyOfNew(hand) {
  await hand.go('/keys/new')
  await hand.fill('Name', 'To be copied')
  await hand.chooseAll('scopes', ['read:leads'])
  await hand.press('Save Changes')
  const key = (await hand.page.locator('output').first().innerText()).trim()
  await hand.touch('Copy key')
  const outcome = await hand.page.waitForFunction((text) => {
    if (window.getSelection().toString().trim() === text) return 'selected'
    const copied = [...document.querySelectorAll('button')].some((button) =>
      button.innerText.includes('Copied'))
    return copied && 'copied'
  }, key)
  const said = await outcome.jsonValue()
  if (said === 'copied') assert.equal(await hand.clipboard(), key)
  else assert.doesNotMatch(await hand.text(), /Copied/)
  return said
}
