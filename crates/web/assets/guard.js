// Keeps people from losing what they typed, or a secret that is shown once.

let unsaved = false

for (const form of document.querySelectorAll('form[data-guard]')) {
  form.addEventListener('input', () => { unsaved = true })
}

const created = document.querySelector('[data-own-page]')
if (created) {
  // A reload shows what was created instead of sending the form again.
  history.replaceState(null, '', created.dataset.ownPage)
  unsaved = true
  created.addEventListener('copy', () => { unsaved = false })
  for (const button of created.querySelectorAll('button[data-copy]')) {
    button.addEventListener('click', () => { unsaved = false })
  }
}

for (const form of document.forms) {
  form.addEventListener('submit', (event) => {
    if (form.dataset.sent !== undefined) return event.preventDefault()
    form.dataset.sent = ''
    unsaved = false
  })
}
// Back from another page the form can be sent again.
addEventListener('pageshow', () => {
  for (const form of document.forms) delete form.dataset.sent
})
addEventListener('beforeunload', (event) => {
  if (unsaved) event.preventDefault()
})
