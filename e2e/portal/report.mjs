// The table of what was found, and each finding below it.

const SENTENCES_MAX = 400

/** Prints the table; whether nothing was found. */
export function report(results, checks, { absent = false } = {}) {
  const isAbsent = ({ found }) => absent && found.some(({ check, text }) =>
    check === 'opens' && / is 404 "/.test(text))
  const missing = results.filter(isAbsent)
  const there = results.filter((result) => !missing.includes(result))
  const seen = checks.filter((check) => there.some(({ found }) =>
    found.some((finding) => finding.check === check)))
  const columns = seen.length > 0 ? seen : []
  const width = Math.max(...results.map(({ cell }) => title(cell).length), 4)
  const line = (name, rest) => console.log(`${name.padEnd(width)}  ${rest}`)
  line('page: state', ['bytes', ...columns].map((name) => name.padStart(9)).join(' '))
  for (const { cell, found, bytes } of there) {
    const counts = columns.map((check) => found.filter((finding) => finding.check === check).length)
    const told = [bytes, ...counts.map((count) => count || 'ok')]
    line(title(cell), told.map((value) => String(value).padStart(9)).join(' '))
  }
  for (const { cell, found } of there) {
    for (const text of sentences(found)) console.log(`\n${title(cell)}: ${text}`)
  }
  for (const { cell } of missing) console.log(`not there yet: ${title(cell)}`)
  const tried = there.reduce((sum, result) => sum + result.tried, 0)
  const found = there.reduce((sum, result) => sum + result.found.length, 0)
  console.log(`\n${there.length} states of pages, ${tried} of them with their widths, themes and ` +
    `scripts; ${checks.length} checks; ${found} findings`)
  return found === 0
}

function title({ name, state }) {
  return `${name}: ${state}`
}

/** The findings, each once with all places where it was found. */
function sentences(found) {
  const places = new Map()
  for (const { check, where, text } of found) {
    const sentence = `${check}: ${text.slice(0, SENTENCES_MAX)}`
    places.set(sentence, [...places.get(sentence) ?? [], where])
  }
  return [...places].map(([sentence, all]) => `${sentence} [${[...new Set(all)].join('; ')}]`)
}
