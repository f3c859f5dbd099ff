// Redlock: one lock over three databases that stand for three servers, wanted by many at once.
import assert from 'node:assert/strict'
import { setTimeout as later } from 'node:timers/promises'
import test from 'node:test'

import Redlock from 'redlock'

import { client, freshClient } from './support.mjs'

const limits = { timeout: 60_000 }

const redlock = (t, options) => new Redlock([0, 1, 2].map(db => client(t, { db })), { retryDelay: 10, retryJitter: 10, ...options })

test('only one of many clients is inside', limits, async t => {
  const shared = await freshClient(t)
  let overlaps = 0
  await Promise.all(Array.from({ length: 6 }, async (_, index) => {
    const own = redlock(t, { retryCount: 10_000 })
    for (let round = 0; round < 10; round++) {
      const lock = await own.lock('resource', 20_000)
      await shared.set('inside', index)
      const count = Number(await shared.get('plain'))
      await later(1)
      overlaps += await shared.get('inside') !== String(index)
      await shared.set('plain', count + 1)
      await lock.unlock()
    }
  }))
  assert.equal(overlaps, 0)
  assert.equal(await shared.get('plain'), '60')
  assert.equal(await shared.exists('resource'), 0)
})

test('a lock is refused while it is held, extended, and free again after its time', limits, async t => {
  const shared = await freshClient(t)
  const [first, second] = [redlock(t, { retryCount: 0 }), redlock(t, { retryCount: 0 })]
  const lock = await first.lock('resource', 20_000)
  await assert.rejects(second.lock('resource', 20_000), { name: 'LockError' })
  await lock.extend(40_000)
  assert.ok(await shared.pttl('resource') > 20_000)
  await lock.unlock()
  const short = await second.lock('resource', 1500)
  const patient = redlock(t, { retryCount: 1000 })
  const taken = await patient.lock('resource', 20_000)
  await assert.rejects(short.unlock(), { name: 'LockError' }, 'whoever has lost a lock cannot free it')
  await taken.unlock()
})

test('a lock needs most of the servers', limits, async t => {
  await freshClient(t)
  const own = redlock(t, { retryCount: 0 })
  await client(t, { db: 0 }).set('resource', 'somebody else')
  await (await own.lock('resource', 20_000)).unlock()
  await client(t, { db: 1 }).set('resource', 'somebody else')
  await assert.rejects(own.lock('resource', 20_000), { name: 'LockError' })
  assert.equal(await client(t, { db: 2 }).exists('resource'), 0, 'what was taken in vain is given back')
})
