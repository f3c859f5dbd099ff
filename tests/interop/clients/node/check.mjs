// ioredis and node-redis against the server at REDPOLL_URL: basic use, as an application would.
import assert from 'node:assert/strict'
import { setTimeout as later } from 'node:timers/promises'
import test from 'node:test'

import Redis from 'ioredis'
import { createClient } from 'redis'

const url = process.env.REDPOLL_URL

async function until (holds) {
  const deadline = Date.now() + 10_000
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, 'waited in vain')
    await later(10)
  }
}

test('ioredis sets, reads, counts and expires', async () => {
  const client = new Redis(url)
  await client.flushall()
  assert.equal(await client.set('a', '1', 'EX', 100), 'OK')
  assert.equal(await client.get('a'), '1')
  assert.equal(await client.incrby('a', 41), 42)
  assert.ok((await client.ttl('a')) > 98)
  assert.equal(await client.get('missing'), null)
  await client.set('b', 'x', 'PX', 30)
  await until(async () => (await client.exists('b')) === 0)
  await assert.rejects(client.call('nonsense'), /unknown command/)
  await client.quit()
})

test('ioredis pipelines answer in order', async () => {
  const client = new Redis(url, { enableAutoPipelining: true })
  await client.flushall()
  const pipeline = client.pipeline()
  for (let i = 0; i < 1000; i++) pipeline.set(`k${i}`, i).get(`k${i}`)
  const replies = await pipeline.exec()
  replies.forEach(([error, value], i) => {
    assert.equal(error, null)
    assert.equal(value, i % 2 === 0 ? 'OK' : String((i - 1) / 2))
  })
  const values = await Promise.all(Array.from({ length: 100 }, (_, i) => client.get(`k${i}`)))
  assert.deepEqual(values, Array.from({ length: 100 }, (_, i) => String(i)))
  let keys = []
  for await (const some of client.scanStream({ match: 'k*', count: 100 })) keys = keys.concat(some)
  assert.equal(new Set(keys).size, 1000)
  client.disconnect()
})

test('ioredis reads buffers back unchanged', async () => {
  const client = new Redis(url)
  const value = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 256))
  await client.set('bin', value)
  assert.deepEqual(await client.getBuffer('bin'), value)
  await client.quit()
})

for (const RESP of [2, 3]) {
  test(`node-redis sets, reads, counts and expires in RESP${RESP}`, async () => {
    const client = await createClient({ url, RESP }).connect()
    await client.flushAll()
    assert.equal(await client.set('a', '1', { expiration: { type: 'EX', value: 100 } }), 'OK')
    assert.equal(await client.get('a'), '1')
    assert.equal(await client.incrBy('a', 41), 42)
    assert.ok((await client.ttl('a')) > 98)
    assert.equal(await client.get('missing'), null)
    assert.equal(await client.set('a', '2', { condition: 'NX' }), null)
    await client.set('b', 'x', { expiration: { type: 'PX', value: 30 } })
    await until(async () => (await client.exists('b')) === 0)
    assert.deepEqual(await client.mGet(['a', 'missing']), ['42', null])
    await assert.rejects(client.sendCommand(['nonsense']), /unknown command/)
    assert.equal((await client.configGet('timeout')).timeout, '0')
    await client.close()
  })

  test(`node-redis pipelines answer in order in RESP${RESP}`, async () => {
    const client = await createClient({ url, RESP }).connect()
    await client.flushAll()
    const replies = await Promise.all(
      Array.from({ length: 1000 }, (_, i) => [client.set(`k${i}`, String(i)), client.get(`k${i}`)]).flat()
    )
    replies.forEach((value, i) => assert.equal(value, i % 2 === 0 ? 'OK' : String((i - 1) / 2)))
    const keys = []
    for await (const some of client.scanIterator({ MATCH: 'k*', COUNT: 100 })) keys.push(...[some].flat())
    assert.equal(new Set(keys).size, 1000)
    await client.close()
  })
}
