// One page in one state, with every check: in each width and theme, by keyboard, without scripts.

import { accessibility } from './checks/accessibility.mjs'
import { look } from './checks/look.mjs'
import { tabbing } from './checks/tabbing.mjs'
import { listen } from './checks/traffic.mjs'
import { words } from './checks/words.mjs'
import { openWindow, signedIn } from './browser.mjs'

export const CHECKS = ['opens', 'axe', 'sideways', 'clipped', 'keyboard', 'focus', 'csp', 'origin',
  'weight', 'script', 'title', 'headings', 'ids', 'labels', 'words', 'no script']
const WIDTHS = [1280, 768, 320]
const THEMES = ['light', 'dark']
const HEIGHT = 900

/**
 * Opens a page in a state and checks it. What `every` is not asked for is axe in full where only
 * the colours can be others.
 */
export async function checkCell(browser, world, cell, { every, screenshots }) {
  const result = { cell, found: [], bytes: 0, tried: 0 }
  const say = (where) => ([check, text]) => result.found.push({ check, where, text })
  const context = await windowOf(browser, world, cell, {})
  try {
    const page = await context.newPage()
    const traffic = await listen(page, world.base)
    const { problem, answer } = await reach(page, world, cell, traffic)
    if (problem) {
      say('')(['opens', problem])
      return { ...result, tried: 1 }
    }
    const [document, text] = [await documentOf(cell, answer), await page.evaluate(shownText)]
    const { found, bytes } = await traffic.problems()
    result.bytes = bytes
    found.forEach(say('on arrival'))
    const facts = { title: cell.title, environment: cell.environment }
    ;(await page.evaluate(words, facts)).forEach(say('on arrival'))
    await inEachWidth(page, cell, { every, screenshots, say, result })
    ;(await traffic.problems()).found.slice(found.length).forEach(say('later'))
    if (cell.plain !== false) {
      const { found: without } = await withoutScript(browser, world, cell, { document, text })
      without.forEach(say('no script'))
      result.tried += 1
    }
  } catch (error) {
    result.found.push({ check: 'opens', where: '', text: error.message })
  } finally {
    await context.close()
  }
  return result
}

async function inEachWidth(page, cell, { every, screenshots, say, result }) {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: HEIGHT })
    for (const theme of THEMES) {
      const where = `${width} ${theme}`
      await page.emulateMedia({ colorScheme: theme })
      ;(await page.evaluate(look)).forEach(say(where))
      const inFull = every || theme === 'light' && width !== 768
      if (inFull || width === 1280) {
        (await accessibility(page, { colours: !inFull })).forEach(say(where))
      }
      result.tried += 1
      if (screenshots) await photograph(page, cell, width, theme, screenshots)
    }
    await page.emulateMedia({ colorScheme: 'light' })
    if (width !== 768) (await tabbing(page)).forEach(say(`${width} by keyboard`))
  }
}

async function photograph(page, { name, state }, width, theme, directory) {
  const shot = { '1280 light': 'light', '1280 dark': 'dark', '320 light': '320' }
  const kind = shot[`${width} ${theme}`]
  if (!kind) return
  const file = `${name}.${state}.${kind}`.replace(/[^a-z0-9.]+/gi, '-')
  const path = `${directory}/${file}.png`
  await page.screenshot({ path, fullPage: true })
}

async function windowOf(browser, world, cell, wish) {
  const context = await openWindow(browser, wish)
  const session = cell.who && (cell.who === 'expired' ? EXPIRED : world[cell.who].session)
  if (session) await signedIn(context, world.base, session)
  return context
}

const EXPIRED = 'ses_0000000000000000000000000000000000000000000000'

/** Opens the page: its answer, and what is wrong when it is another one than it has to be. */
async function reach(page, world, cell, traffic) {
  const path = cell.path(world)
  let answer = await page.goto(world.base + path)
  if (cell.reach && answer.ok()) {
    traffic?.begin()
    answer = await cell.reach(page, world) ?? answer
  }
  const status = answer?.status()
  const expected = cell.status ?? 200
  if (status !== expected) {
    const heading = await page.locator('h1').first().innerText({ timeout: 1_000 }).catch(() => '')
    return { problem: `${path} is ${status} "${heading}", not ${expected}` }
  }
  const at = page.url().slice(world.base.length)
  const wanted = cell.at ?? (cell.reach ? '/' : path)
  if (!at.startsWith(wanted) || wanted === '/' && !cell.reach && at !== '/') {
    return { problem: `${path} leads to ${at}, not to ${wanted}` }
  }
  return { answer }
}

/**
 * The document that came at the page's address, to be opened again as it was: what happens beside
 * (a message is tried once more, a request is counted) has no part in a comparison. Null for a page
 * that is reached by doing something, or by being led there.
 */
async function documentOf(cell, answer) {
  if (cell.reach || answer.request().redirectedFrom()) return null
  // The body is the one that was unpacked.
  const all = await answer.allHeaders()
  const { 'content-encoding': packed, 'content-length': length, ...headers } = all
  return { address: answer.url(), status: answer.status(), headers, body: await answer.body() }
}

async function withoutScript(browser, world, cell, { document, text }) {
  const context = await windowOf(browser, world, cell, { script: false })
  const found = []
  try {
    const page = await context.newPage()
    if (document) {
      await page.route((url) => url.href === document.address, (route) => route.fulfill(document))
    }
    const { problem } = await reach(page, world, cell)
    if (problem) return { found: [['no script', problem]] }
    const plain = await page.evaluate(shownText)
    const lost = difference(text, plain)
    if (lost) found.push(['no script', lost])
    for (const width of [1280, 320]) {
      await page.setViewportSize({ width, height: HEIGHT })
      found.push(...await page.evaluate(look))
    }
  } finally {
    await context.close()
  }
  return { found }
}

function difference(withScript, without) {
  const index = withScript.findIndex((line, at) => line !== without[at])
  if (index < 0 && withScript.length === without.length) return null
  const at = index < 0 ? withScript.length : index
  return `"${withScript[at]}" with scripts, "${without[at]}" without`
}

/** Runs in the page: what it shows, but for what serves scripts alone and what is new each time. */
function shownText() {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const lines = []
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement
    if (parent.closest('button[type=button], script, noscript, option, [data-copied]')) continue
    if (!parent.checkVisibility({ visibilityProperty: true })) continue
    const text = walker.currentNode.data.trim().replace(/\s+/g, ' ')
      .replace(/\bwhsec_[0-9A-Za-z+/=]+/g, 'ID')
      .replace(/\b[a-z]{2,5}_(live_|test_)?[0-9A-Za-z]{20,}/g, 'ID')
      .replace(/\b\d+ (ms|s|min|h|d) ago|\bin \d+ (s|min)\b|just now/g, 'AGO')
      .replace(/\b\d\d:\d\d(:\d\d)?/g, 'TIME')
      // The end of a key.
      .replace(/…\s?[0-9A-Za-z]{4}\b/g, 'HINT')
    if (text) lines.push(text)
  }
  return lines
}
