// The cells of the table of pages: each page in each of its states, or each page once.

import { PAGES, SHEET_TITLE } from './pages.mjs'

const TITLE = '^.+ - .+ - .+$'

/** The cells: each page in each of its states, or each page once. */
export function cells({ every, only }) {
  const all = PAGES.flatMap((page) => cellsOf(page, every))
  return all.filter(({ name, state }) => !only || new RegExp(only).test(`${name}: ${state}`))
}

function cellsOf(page, every) {
  const { name, path, data, title = TITLE, environment } = page
  const cell = { name, title, environment, at: undefined, status: page.status }
  const own = data.map((who) => ({
    ...cell, state: who ?? 'nobody', who, path: (world) => path(who ? world[who] : world, world),
  }))
  const also = (page.also ?? []).map((state) => ({
    ...cell, who: data[0], path: own[0].path, ...state,
  }))
  if (!every) return [own[0], ...also.filter(({ once }) => once)]
  const others = []
  if (page.viewer) {
    others.push({ ...cell, state: 'a viewer', who: 'viewer', status: page.viewer,
      path: ({ one, operator }) => path(page.data[0] === 'operator' ? operator : one),
      title: page.viewer === 200 ? title : SHEET_TITLE })
  }
  const isOwn = data[0] === 'one' && page.status === undefined
  if (isOwn) {
    others.push({ ...cell, state: 'session expired', who: 'expired', at: '/sign-in?next=',
      path: ({ one }) => path(one), title: SHEET_TITLE })
  }
  if (isOwn && !page.isForAll && /_0{20}/.test(path(SOME_THINGS))) {
    others.push({ ...cell, state: "another account's", who: 'empty', status: 404,
      path: ({ one }) => path(one), title: SHEET_TITLE })
  }
  return [...own, ...also, ...others]
}

/** Things with ids, to see which paths have one. */
const ID = 'id_00000000000000000000000000'
const SOME_THINGS = {
  key: { id: ID }, client: { id: ID, secrets: [{ id: ID }] }, app: { id: ID, redirect_uris: [''] },
  revoked: { id: ID }, rotating: { id: ID }, role: { id: ID }, invitation: { id: ID }, refused: ID,
  colleague: ID, webhook: { id: ID }, delivery: { id: ID },
}
