// ioredis and node-redis: MULTI with and without WATCH, raced; scripts as commands; rate-limiter-flexible.
import assert from 'node:assert/strict'
import test from 'node:test'

import { RateLimiterRedis } from 'rate-limiter-flexible'
import { createClient, WatchError } from 'redis'

import { client, freshClient, url } from './support.mjs'

const limits = { timeout: 60_000 }

test('ioredis: a transaction answers for each of its commands', limits, async t => {
  const own = await freshClient(t)
  const replies = await own.multi().set('a', '1').incr('a').lpush('a', 'x').get('a').exec()
  assert.deepEqual([replies[0], replies[1], replies[3]], [[null, 'OK'], [null, 2], [null, '2']])
  assert.match(replies[2][0].message, /WRONGTYPE/)
  await assert.rejects(own.multi().set('b', '1').call('nonsense').exec(), /EXECABORT/)
  assert.equal(await own.exists('b'), 0)
  assert.equal(await own.multi({ pipeline: false }), 'OK')
  assert.equal(await own.set('c', '1'), 'QUEUED')
  assert.equal(await own.discard(), 'OK')
  assert.equal(await own.exists('c'), 0)
})

test('ioredis: transactions of many clients do not mix', limits, async t => {
  const own = await freshClient(t)
  await Promise.all(Array.from({ length: 8 }, async (_, index) => {
    const writer = client(t)
    for (let round = 0; round < 40; round++) {
      const value = `${index}:${round}`
      const replies = await writer.multi().mset('x', value, 'y', value).mget('x', 'y').exec()
      assert.deepEqual(replies[1][1], [value, value])
      const [x, y] = await writer.mget('x', 'y')
      assert.equal(x, y)
    }
  }))
  assert.equal(await own.dbsize(), 2)
})

test('ioredis: a counter behind WATCH loses nothing', limits, async t => {
  const own = await freshClient(t)
  let lost = 0
  await Promise.all(Array.from({ length: 6 }, async () => {
    const writer = client(t)
    for (let round = 0; round < 20;) {
      await writer.watch('counter')
      const count = Number(await writer.get('counter'))
      const replies = await writer.multi().set('counter', count + 1).exec()
      if (replies) round++
      else lost++
    }
  }))
  assert.equal(await own.get('counter'), '120')
  assert.ok(lost > 0, 'the race never met a conflict, so it shows nothing')
})

for (const RESP of [2, 3]) {
  test(`node-redis in RESP${RESP}: a watched key that changes gives the transaction up`, limits, async t => {
    const own = await freshClient(t)
    const writer = await createClient({ url, RESP }).connect()
    t.after(() => writer.destroy())
    await writer.watch('a')
    assert.deepEqual(await writer.multi().set('a', '1').get('a').exec(), ['OK', '1'])
    await writer.watch('a')
    await own.set('a', '2')
    await assert.rejects(writer.multi().set('a', '3').exec(), WatchError)
    assert.equal(await writer.get('a'), '2')
    await writer.watch('a')
    await writer.unwatch()
    await own.set('a', '4')
    assert.deepEqual(await writer.multi().incr('a').hSet('h', { f: '1' }).hGetAll('h').exec().then(replies =>
      [replies[0], replies[1], { ...replies[2] }]), [5, 1, { f: '1' }])
  })
}

test('ioredis: scripts become commands', limits, async t => {
  const own = await freshClient(t)
  own.defineCommand('addTo', {
    numberOfKeys: 2,
    lua: 'local sum = redis.call("incrby", KEYS[1], ARGV[1]) return {KEYS[2], sum, redis.call("get", KEYS[2])}'
  })
  await own.set('b', 'text')
  assert.deepEqual(await own.addTo('a', 'b', 5), ['b', 5, 'text'])
  await own.script('FLUSH')
  assert.deepEqual(await own.addTo('a', 'b', 5), ['b', 10, 'text'])
  const replies = await own.multi().addTo('a', 'b', 1).addTo('a', 'b', 1).exec()
  assert.deepEqual(replies.map(([, reply]) => reply[1]), [11, 12])
  await assert.rejects(own.eval('return redis.call("incr", KEYS[1])', 1, 'b'), /not an integer/)
})

test('rate-limiter-flexible: clients together get as many points as there are', limits, async t => {
  const own = await freshClient(t)
  const outcomes = await Promise.all(Array.from({ length: 5 }, async () => {
    const limiter = new RateLimiterRedis({ storeClient: client(t), points: 60, duration: 60, blockDuration: 30 })
    const asked = Array.from({ length: 40 }, () => limiter.consume('somebody').then(() => 1, refusal => {
      assert.ok(refusal.msBeforeNext > 0, String(refusal))
      return 0
    }))
    return (await Promise.all(asked)).reduce((a, b) => a + b, 0)
  }))
  assert.equal(outcomes.reduce((a, b) => a + b, 0), 60)
  const limiter = new RateLimiterRedis({ storeClient: own, points: 60, duration: 60 })
  assert.equal((await limiter.get('somebody')).remainingPoints, 0)
  assert.equal(await limiter.delete('somebody'), true)
  assert.equal((await limiter.consume('somebody', 10)).remainingPoints, 50)
})
