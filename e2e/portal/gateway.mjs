// The API behind a gateway that asks whether a request may pass.

import assert from 'node:assert/strict'

/** The status for a request such as "GET api.example.com/v1/leads" with this bearer. */
export async function statusOf({ internal }, request, bearer) {
  const [method, url] = request.split(' ')
  const slash = url.indexOf('/')
  const answer = await fetch(`${internal}/verify/http`, {
    headers: {
      authorization: `Bearer ${bearer}`,
      'x-forwarded-host': url.slice(0, slash),
      'x-forwarded-method': method,
      'x-forwarded-uri': url.slice(slash),
    },
  })
  return answer.status
}

/** That a request has this status from now on. */
export async function expectStatus(facts, request, bearer, expected) {
  assert.equal(await statusOf(facts, request, bearer), expected, request)
}
