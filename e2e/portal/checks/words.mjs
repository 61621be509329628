// What a page says of itself: title, headings, labels, ids, and nothing that a template left
// behind. The function runs in the page.

/** The problems of the page, as pairs of a check and a sentence. */
export function words({ title, environment }) {
  const found = []
  const count = (selector) => document.querySelectorAll(selector).length
  const say = (check, sentence) => found.push([check, sentence])

  if (!new RegExp(title).test(document.title)) say('title', `the title is "${document.title}"`)
  if (environment && !document.title.includes(`(${environment})`)) {
    say('title', `the title does not say ${environment}: "${document.title}"`)
  }
  if (!document.documentElement.lang) say('title', 'the page has no language')
  if (count('h1') !== 1) say('headings', `${count('h1')} h1`)
  if (count('main') !== 1) say('headings', `${count('main')} main`)
  let level = 0
  for (const heading of document.querySelectorAll('h1, h2, h3, h4, h5, h6')) {
    const own = Number(heading.tagName[1])
    if (own > level + 1) say('headings', `h${own} "${heading.textContent.trim()}" after h${level}`)
    if (heading.textContent.trim() === '') say('headings', `an empty h${own}`)
    level = own
  }

  const ids = new Set()
  for (const { id } of document.querySelectorAll('[id]')) {
    if (ids.has(id)) say('ids', `"${id}" twice`)
    ids.add(id)
  }
  const attributes = ['for', 'aria-describedby', 'aria-labelledby', 'aria-controls', 'headers']
  for (const attribute of attributes) {
    for (const element of document.querySelectorAll(`[${attribute}]`)) {
      for (const id of element.getAttribute(attribute).split(/\s+/).filter(Boolean)) {
        if (!ids.has(id)) say('ids', `${attribute}="${id}" names nothing`)
      }
    }
  }
  for (const link of document.querySelectorAll('a[href^="#"]')) {
    const id = decodeURIComponent(link.getAttribute('href').slice(1))
    if (id && !ids.has(id)) say('ids', `a link to #${id}, which is not there`)
  }

  const controls = document.querySelectorAll(
    'input:not([type=hidden]):not([aria-hidden]), select, textarea')
  for (const control of controls) {
    const labels = [...control.labels ?? []].map((label) => label.innerText.trim()).join('')
    const named = labels || control.getAttribute('aria-label') ||
      control.getAttribute('aria-labelledby')
    if (!named) say('labels', `no label: ${control.outerHTML.slice(0, 120)}`)
    if (control.type === 'radio' && !control.closest('fieldset')?.querySelector('legend')) {
      say('labels', `a radio button without a legend: ${control.name}`)
    }
  }
  for (const button of document.querySelectorAll('button, a[href]')) {
    const name = button.getAttribute('aria-label') || button.textContent.trim()
    if (!name) say('labels', `nothing to say: ${button.outerHTML.slice(0, 120)}`)
  }

  const text = document.body.innerText
  for (const leftover of ['undefined', '{{', '}}', '{%', 'NaN', '[object', 'Some(', 'None)']) {
    if (text.includes(leftover)) say('words', `the page says "${leftover}"`)
  }
  const inline = document.querySelectorAll('[style], style, script:not([src])')
  for (const element of inline) say('csp', `inline: ${element.outerHTML.slice(0, 80)}`)
  for (const element of document.querySelectorAll('*')) {
    const handler = [...element.attributes].find(({ name }) => name.startsWith('on'))
    if (handler) say('csp', `inline: ${handler.name} of ${element.tagName}`)
  }
  return found
}
