// Checks the pages of a running server, and prints what was found as a table.
//
// Reads one JSON object: base (the server's URL), session (an operator's), chromium (the browser's
// program), and, if wished, every (each page in each state), only (a pattern of pages), screenshots
// (a directory), absent (whether pages may be missing), atOnce (windows at a time).

import { mkdir } from 'node:fs/promises'

import { given, launch } from './browser.mjs'
import { CHECKS, checkCell } from './cell.mjs'
import { cells } from './cells.mjs'
import { forEach } from './rest.mjs'
import { report } from './report.mjs'
import { makeWorld } from './world.mjs'

const wish = await given()
if (wish.screenshots) await mkdir(wish.screenshots, { recursive: true })
const browser = await launch(wish.chromium)
try {
  const world = await makeWorld(wish)
  const results = await forEach(cells(wish), async (cell) => {
    const result = await checkCell(browser, world, cell, wish)
    // The table comes when all is done: this is for whoever waits, or has to stop.
    for (const { check, where, text } of result.found) {
      console.error(`${cell.name}: ${cell.state}: ${check}: ${text.slice(0, 200)} [${where}]`)
    }
    return result
  }, wish.atOnce ?? 2)
  process.exitCode = report(results, CHECKS, wish) ? 0 : 1
} finally {
  await browser.close()
}
