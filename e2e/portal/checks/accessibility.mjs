// axe-core over a page: WCAG 2.2, levels A and AA.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice']

/** The violations, as pairs of a check and a sentence; in full, or of the colours alone. */
export async function accessibility(page, { colours = false } = {}) {
  if (!await page.evaluate(() => 'axe' in window)) await page.evaluate(source)
  const options = colours
    ? { runOnly: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] } }
    : { runOnly: { type: 'tag', values: TAGS } }
  const violations = await page.evaluate(async (asked) => {
    const results = await window.axe.run(document, {
      ...asked, preload: false, resultTypes: ['violations'], elementRef: false,
    })
    return results.violations.map(({ id, help, nodes }) => ({
      id, help, nodes: nodes.slice(0, 3).map(({ target, html, failureSummary }) =>
        `${target.join(' ')} ${html.slice(0, 140)} ${failureSummary?.split('\n')[1] ?? ''}`),
      count: nodes.length,
    }))
  }, options)
  return violations.map(({ id, help, nodes, count }) =>
    ['axe', `${id} (${help}), ${count} of them: ${nodes.join(' | ')}`])
}
