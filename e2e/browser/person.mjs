// A person with a browser, who does what a test says: JSON lines in, JSON lines out. One browser,
// and so one cookie jar, as long as this program runs.
//
//   {"open": URL, "until": URL}     goes there, signs in where asked, allows what is asked, until
//                                   the browser is sent to an address that begins so
//   {"visit": URL, "press": [name]} goes there and presses these buttons and links, and signs in
//                                   wherever that is asked
//
// Each is answered by {"at": URL, "headings": [the page's at each step], "text": the last page's}.

import { createInterface } from 'node:readline/promises'
import { launch } from '../portal/browser.mjs'

const TIMEOUT_MILLIS = 30_000
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const person = JSON.parse((await lines.next()).value)
const browser = await launch(person.chromium)
const context = await browser.newContext({ javaScriptEnabled: person.javascript ?? false })
context.setDefaultTimeout(TIMEOUT_MILLIS)
let page = await context.newPage()

try {
  for await (const line of lines) {
    process.stdout.write(`${JSON.stringify(await act(JSON.parse(line)))}\n`)
  }
} catch (error) {
  const at = page.url()
  const text = await page.locator('body').innerText().catch(() => '')
  process.stderr.write(`the person failed at ${at}: ${error.message}\n${text}\n`)
  process.exitCode = 1
} finally {
  await browser.close()
}
process.exit()

async function act(wish) {
  const headings = []
  // A tab of its own: the one before may still be trying to reach somebody who is not there.
  const before = page
  page = await context.newPage()
  await before.close()
  if (wish.open) return { at: await allow(wish.open, wish.until, headings), headings }
  await page.goto(wish.visit)
  await signIn(headings)
  for (const name of wish.press) await press(name, headings)
  const text = await page.locator('body').innerText()
  return { at: page.url(), headings: [...headings, await heading()], text }
}

/** Follows an authorization request to where it leads; nobody needs to be there. */
async function allow(url, until, headings) {
  const arrived = page.waitForRequest((request) => request.url().startsWith(until))
  const found = arrived.then((request) => request.url())
  // Where nobody is, the last page never loads.
  const unless_found = (step) => Promise.race([found, step.catch(() => found)])
  await unless_found(page.goto(url))
  await unless_found(signIn(headings))
  const button = page.getByRole('button', { name: 'Allow', exact: true })
  if (await button.isVisible()) {
    headings.push(await heading())
    await unless_found(button.click({ noWaitAfter: true }))
  }
  return found
}

/** Signs in, where the page that is there asks for it. */
async function signIn(headings) {
  const password = page.getByLabel('Password', { exact: true })
  if (!(await password.isVisible())) return
  headings.push(await heading())
  await page.getByLabel('Email', { exact: true }).fill(person.email)
  await password.fill(person.password)
  await follow(page.getByRole('button', { name: 'Sign in', exact: true }))
}

async function press(name, headings) {
  headings.push(await heading())
  // What is read out may say more than what is seen: "Disconnect Demo app".
  const begins = { name: new RegExp(`^${name}\\b`) }
  await follow(page.getByRole('button', begins).or(page.getByRole('link', begins)).first())
  await signIn(headings)
}

/** Presses what leads to another page, until that is there. */
async function follow(target) {
  await Promise.all([page.waitForNavigation(), target.click()])
}

async function heading() {
  return page.locator('h1').first().innerText()
}
