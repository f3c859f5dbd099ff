// express-session with connect-redis over node-redis: sessions of an HTTP server, and node-redis' client-side cache.
import assert from 'node:assert/strict'
import http from 'node:http'
import test from 'node:test'

import { RedisStore } from 'connect-redis'
import session from 'express-session'
import { createClient } from 'redis'

import { freshClient, until, url } from './support.mjs'

const limits = { timeout: 60_000 }

// Serves pages that count the visits of a session, on a port the system picks.
async function site (t, store) {
  const sessions = session({
    store, secret: 'for tests only', resave: false, saveUninitialized: false, cookie: { maxAge: 100_000 }
  })
  const server = http.createServer((request, response) => sessions(request, response, () => {
    if (request.url === '/leave') return request.session.destroy(() => response.end('gone'))
    request.session.visits = (request.session.visits ?? 0) + 1
    response.end(String(request.session.visits))
  }))
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => { server.closeAllConnections(); server.close() })
  return `http://127.0.0.1:${server.address().port}`
}

// A browser: keeps its cookie.
function browser (address) {
  let cookie
  return async path => {
    const answer = await fetch(address + path, { headers: cookie ? { cookie } : {} })
    cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? cookie
    return answer.text()
  }
}

test('sessions live in the server', limits, async t => {
  const own = await freshClient(t)
  const store = await createClient({ url }).connect()
  t.after(() => store.destroy())
  const sessions = new RedisStore({ client: store })
  const address = await site(t, sessions)
  const [ada, bob] = [browser(address), browser(address)]
  for (const visits of ['1', '2', '3']) assert.equal(await ada('/'), visits)
  assert.equal(await bob('/'), '1')
  const keys = await own.keys('sess:*')
  assert.equal(keys.length, 2)
  for (const key of keys) assert.ok(await own.ttl(key) > 90)
  assert.equal(await sessions.length(), 2)
  assert.deepEqual((await sessions.all()).map(({ visits }) => visits).sort(), [1, 3])
  assert.equal(await ada('/leave'), 'gone')
  assert.equal(await own.dbsize(), 1)
  assert.equal(await ada('/'), '1')
  await new Promise((resolve, reject) => sessions.clear(error => error ? reject(error) : resolve()))
  assert.equal(await bob('/'), '1')
})

test('many browsers at once get their own sessions', limits, async t => {
  await freshClient(t)
  const store = await createClient({ url }).connect()
  t.after(() => store.destroy())
  const address = await site(t, new RedisStore({ client: store, prefix: 'many:' }))
  await Promise.all(Array.from({ length: 20 }, async () => {
    const visit = browser(address)
    for (let visits = 1; visits <= 10; visits++) assert.equal(await visit('/'), String(visits))
  }))
})

test('node-redis\' client-side cache keeps what it has read until somebody changes it', limits, async t => {
  const own = await freshClient(t)
  const cached = await createClient({ url, RESP: 3, clientSideCache: { ttl: 0, maxEntries: 100, evictPolicy: 'LRU' } }).connect()
  t.after(() => cached.destroy())
  const reads = async () => Number(/cmdstat_get:calls=(\d+)/.exec(await own.info('commandstats'))?.[1] ?? 0)
  await own.set('page', '1')
  assert.equal(await cached.get('page'), '1')
  const before = await reads()
  for (let i = 0; i < 50; i++) assert.equal(await cached.get('page'), '1')
  assert.equal(await reads(), before)
  const follows = value => until(`the cache follows to ${value}`, async () => await cached.get('page') === value)
  for (const [change, value] of [
    [() => own.set('page', '2'), '2'], [() => own.incr('page'), '3'], [() => own.del('page'), null],
    [() => own.multi().set('page', '4').exec(), '4'], [() => own.flushall(), null],
    [() => own.eval('return redis.call("set", KEYS[1], "5")', 1, 'page'), '5'], [() => own.pexpire('page', 30), null]
  ]) {
    await cached.get('page')
    await change()
    await follows(value)
  }
  await own.hset('user', 'name', 'Ada')
  assert.equal((await cached.hGetAll('user')).name, 'Ada')
  await own.hset('user', 'name', 'Bob')
  await until('the cache follows the hash', async () => (await cached.hGetAll('user')).name === 'Bob')
})
