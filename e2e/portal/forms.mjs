// The states of pages to which their forms lead: bad input, something created, asked again.

const WORDS = 'A name that was typed'

/** Presses a button; the answer of the page that it leads to. */
async function press(page, name) {
  const button = page.getByRole('button', { name, exact: true })
  const [answer] = await Promise.all([page.waitForNavigation(), button.click()])
  return answer
}

/** Sends the form without what the browser would ask for. */
async function sendAnyway(page, name) {
  await page.locator('form').evaluateAll((forms) => forms.forEach((form) => {
    form.noValidate = true
    form.querySelectorAll('[required]').forEach((field) => field.removeAttribute('required'))
  }))
  return press(page, name)
}

export const forms = {
  keys: [
    { state: 'none of a status', path: () => '/keys?status=expired' },
  ],
  newKey: [
    {
      state: 'bad input', once: true, status: 422,
      reach: async (page) => {
        await page.getByLabel('Description').fill(WORDS)
        return sendAnyway(page, 'Save Changes')
      },
    },
    {
      state: 'created', once: true, status: undefined,
      reach: async (page) => {
        await page.getByLabel('Name', { exact: true }).fill('Made on a page')
        await page.locator('select[name=scopes]').selectOption(['read:leads', 'write:leads'])
        return press(page, 'Save Changes')
      },
    },
    { state: 'prefilled', path: () => '/keys/new?name=Nightly&scopes=read:leads&active=no' },
  ],
  key: [
    {
      state: 'bad input', status: 422,
      reach: async (page) => {
        await page.getByLabel('Name', { exact: true }).fill('')
        return sendAnyway(page, 'Save Changes')
      },
    },
    {
      state: 'saved',
      reach: (page) => press(page, 'Save Changes'),
    },
  ],
  newClient: [],
  legacyKey: [],
  newApp: [],
  signIn: [
    {
      state: 'wrong password', once: true, status: 422,
      reach: async (page) => {
        await page.getByLabel('Email', { exact: true }).fill('nobody@acme.test')
        await page.getByLabel('Password', { exact: true }).fill('no password')
        return press(page, 'Sign in')
      },
    },
  ],
  device: [
    {
      state: 'wrong code', status: undefined,
      reach: async (page) => {
        await page.getByLabel('Code', { exact: true }).fill('AAAA-AAAA')
        return press(page, 'Continue')
      },
    },
  ],
}
