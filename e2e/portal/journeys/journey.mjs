// What every journey is: a program that reads where the server is and who signs in, goes its way
// once with the mouse, once by the keyboard alone and once without scripts, and fails with what the
// last page said.

import { given, launch, told } from '../browser.mjs'
import { WAYS, openHand } from '../hand.mjs'

/** Runs a journey in each of the ways. */
export async function perform(journey, ways = WAYS) {
  const facts = await given()
  const browser = await launch(facts.chromium)
  try {
    for (const way of facts.way ? [facts.way] : ways) {
      await once(browser, way, journey, facts)
    }
  } finally {
    await browser.close()
  }
}

async function once(browser, way, journey, facts) {
  const hand = await openHand(browser, way, facts.base)
  try {
    await journey(hand, facts)
    console.log(`with ${way}: done`)
  } catch (error) {
    console.error(`with ${way}: ${error.stack}\n\n${await told(hand.page)}`)
    process.exitCode = 1
  } finally {
    await hand.close()
  }
}

/** Opens the portal's first page as the person of the facts, who has to sign in. */
export async function enter(hand, { email, password }, path = '/') {
  await hand.go(path)
  await hand.signIn(email, password)
}
