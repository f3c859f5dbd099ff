// What the applications in node share: the server's address, clients of an emptied server, waiting with an end.
import assert from 'node:assert/strict'
import { setTimeout as later } from 'node:timers/promises'

import Redis from 'ioredis'

export const url = process.env.REDPOLL_URL
export const { hostname: host, port } = new URL(url)
export const connection = { host, port: Number(port), maxRetriesPerRequest: null }

// Returns a client that the test closes at its end.
export function client (t, options = {}) {
  const made = new Redis(url, { maxRetriesPerRequest: 1, ...options })
  t.after(() => made.disconnect())
  return made
}

// The same of an emptied server.
export async function freshClient (t) {
  const made = client(t)
  await made.flushall()
  return made
}

// Waits until `holds()` answers something true, and returns that; fails, naming `what`, after `ms`.
export async function until (what, holds, ms = 30_000) {
  const deadline = Date.now() + ms
  for (;;) {
    const answer = await holds()
    if (answer) return answer
    assert.ok(Date.now() < deadline, `waited in vain: ${what}`)
    await later(10)
  }
}
