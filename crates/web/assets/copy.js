// Copies values. The buttons appear only where this runs, and say "Copied" only when it was.

const AGAIN_MILLIS = 4000

for (const button of document.querySelectorAll('button[data-copy]')) {
  const source = document.getElementById(button.dataset.copy)
  const told = button.textContent
  let timer
  button.hidden = false
  button.setAttribute('aria-live', 'polite')
  button.addEventListener('click', async () => {
    clearTimeout(timer)
    try {
      await navigator.clipboard.writeText(source.textContent)
      button.textContent = 'Copied'
      source.dataset.copied = ''
    } catch {
      // Browsers lend the clipboard to https and loopback only.
      getSelection().selectAllChildren(source)
      button.textContent = 'Selected: press Ctrl+C'
    }
    timer = setTimeout(() => { button.textContent = told }, AGAIN_MILLIS)
  })
}
