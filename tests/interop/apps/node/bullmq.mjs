// BullMQ: results, failures and retries, delays, repetition, priorities, rate limits, flows, stalled and removed jobs.
import assert from 'node:assert/strict'
import { setTimeout as later } from 'node:timers/promises'
import test from 'node:test'

import { FlowProducer, Queue, QueueEvents, UnrecoverableError, Worker } from 'bullmq'

import { connection, freshClient, until } from './support.mjs'

const PATIENCE = 40_000
const limits = { timeout: PATIENCE }

// Makes a queue with its events and its worker, which are closed at the end of the test.
async function bench (t, name, work, options = {}) {
  await freshClient(t)
  const queue = new Queue(name, { connection, skipVersionCheck: true })
  const events = new QueueEvents(name, { connection, skipVersionCheck: true })
  await Promise.all([queue.waitUntilReady(), events.waitUntilReady()])
  const begin = () => {
    const worker = new Worker(name, work, { connection, skipVersionCheck: true, ...options })
    worker.on('error', () => {})
    t.after(() => worker.close(true))
    return worker
  }
  t.after(async () => { await events.close(); await queue.close() })
  return { queue, events, begin }
}

test('results come back and events tell of them', limits, async t => {
  const { queue, events, begin } = await bench(t, 'results', async job => {
    await job.updateProgress(50)
    await job.log('half done')
    return job.data.a + job.data.b
  }, { concurrency: 4 })
  const progress = []
  events.on('progress', ({ data }) => progress.push(data))
  begin()
  const jobs = await queue.addBulk(Array.from({ length: 50 }, (_, i) => ({ name: 'add', data: { a: i, b: 1 } })))
  const results = await Promise.all(jobs.map(job => job.waitUntilFinished(events, PATIENCE)))
  assert.deepEqual(results, Array.from({ length: 50 }, (_, i) => i + 1))
  await until('all progress is told', () => progress.length === 50)
  assert.deepEqual((await queue.getJobLogs(jobs[0].id)).logs, ['half done'])
  const counts = await queue.getJobCounts('completed', 'wait', 'active', 'failed')
  assert.deepEqual(counts, { completed: 50, wait: 0, active: 0, failed: 0 })
})

test('a failing job is tried again as often as it may be', limits, async t => {
  const { queue, events, begin } = await bench(t, 'failures', async job => {
    if (job.name === 'hopeless') throw new UnrecoverableError('no such luck')
    if (job.attemptsMade < 2) throw new Error('not yet')
    return job.attemptsMade
  })
  begin()
  const options = { attempts: 3, backoff: { type: 'exponential', delay: 20 } }
  const lucky = await queue.add('lucky', {}, options)
  assert.equal(await lucky.waitUntilFinished(events, PATIENCE), 2)
  const hopeless = await queue.add('hopeless', {}, options)
  await assert.rejects(hopeless.waitUntilFinished(events, PATIENCE), /no such luck/)
  const [failed] = await queue.getFailed()
  assert.equal(failed.id, hopeless.id)
  assert.match(failed.stacktrace[0], /no such luck/)
  assert.equal(failed.attemptsMade, 1)
})

test('a delayed job runs when it is due, and a promoted one at once', limits, async t => {
  const { queue, events, begin } = await bench(t, 'delays', async () => Date.now())
  begin()
  const started = Date.now()
  const [soon, never] = await Promise.all([
    queue.add('soon', {}, { delay: 500 }), queue.add('never', {}, { delay: 3_600_000 })])
  assert.equal(await queue.getDelayedCount(), 2)
  assert.ok(await soon.waitUntilFinished(events, PATIENCE) - started >= 490)
  await never.promote()
  assert.ok(await never.waitUntilFinished(events, PATIENCE) > started)
})

test('a repeated job runs again and again until its scheduler is removed', limits, async t => {
  let runs = 0
  const { queue, begin } = await bench(t, 'repeats', async () => ++runs)
  begin()
  await queue.upsertJobScheduler('ticker', { every: 100 }, { name: 'tick', data: { n: 1 } })
  await until('it has run three times', () => runs >= 3)
  assert.deepEqual((await queue.getJobSchedulers()).map(({ key }) => key), ['ticker'])
  assert.equal(await queue.removeJobScheduler('ticker'), true)
  await until('nothing is left to run', async () => {
    const { wait, active, delayed } = await queue.getJobCounts('wait', 'active', 'delayed')
    return wait + active + delayed === 0
  })
  const seen = runs
  await later(250)
  assert.equal(runs, seen)
})

test('priorities decide the order of what waits', limits, async t => {
  const order = []
  const { queue, events, begin } = await bench(t, 'priorities', async job => { order.push(job.name) }, { concurrency: 1 })
  const jobs = []
  for (const priority of [5, 1, 3, 2, 4, 1]) jobs.push(await queue.add(`p${priority}`, {}, { priority }))
  jobs.push(await queue.add('none', {}))
  begin()
  await Promise.all(jobs.map(job => job.waitUntilFinished(events, PATIENCE)))
  assert.deepEqual(order, ['none', 'p1', 'p1', 'p2', 'p3', 'p4', 'p5'])
})

test('a rate limit holds two workers back together', limits, async t => {
  const started = []
  const options = { concurrency: 10, limiter: { max: 3, duration: 500 } }
  const { queue, events, begin } = await bench(t, 'limits', async () => { started.push(Date.now()) }, options)
  const jobs = await queue.addBulk(Array.from({ length: 10 }, (_, i) => ({ name: `job${i}`, data: {} })))
  begin()
  begin()
  await Promise.all(jobs.map(job => job.waitUntilFinished(events, PATIENCE)))
  assert.equal(started.length, 10)
  // Ten jobs, three in each half second: the last one starts after three half seconds have passed.
  assert.ok(started[9] - started[0] >= 1000, `all were done in ${started[9] - started[0]} ms`)
})

test('a flow runs its children first and hands their results to the parent', limits, async t => {
  const { events, queue, begin } = await bench(t, 'flows', async job => {
    if (job.name !== 'sum') return job.data.n
    return Object.values(await job.getChildrenValues()).reduce((a, b) => a + b, 0)
  }, { concurrency: 3 })
  const flows = new FlowProducer({ connection, skipVersionCheck: true })
  t.after(() => flows.close())
  begin()
  const leaf = n => ({ name: 'leaf', queueName: 'flows', data: { n } })
  const inner = { name: 'sum', queueName: 'flows', children: [leaf(10), leaf(20)] }
  const { job } = await flows.add({ name: 'sum', queueName: 'flows', children: [leaf(1), leaf(2), inner] })
  assert.equal(await job.waitUntilFinished(events, PATIENCE), 33)
  assert.equal(await queue.getCompletedCount(), 6)
})

test('a job whose worker is gone is taken up by another one', limits, async t => {
  let first = true
  const { queue, events, begin } = await bench(t, 'stalled', async () => {
    if (!first) return 'rescued'
    first = false
    await later(3_600_000, undefined, { ref: false })
  }, { lockDuration: 300, stalledInterval: 200 })
  const dying = begin()
  const job = await queue.add('job', {})
  await until('it has begun', () => !first)
  await dying.close(true)
  begin()
  assert.equal(await job.waitUntilFinished(events, PATIENCE), 'rescued')
})

test('jobs with one id, paused queues and cleaning', limits, async t => {
  const { queue, events, begin } = await bench(t, 'upkeep', async job => job.id)
  await queue.pause()
  const jobs = await Promise.all(Array.from({ length: 10 }, () => queue.add('once', {}, { jobId: 'same' })))
  assert.equal(await queue.getJobCountByTypes('wait', 'paused'), 1)
  begin()
  await later(100)
  assert.equal(await queue.getCompletedCount(), 0)
  await queue.resume()
  assert.equal(await jobs[0].waitUntilFinished(events, PATIENCE), 'same')
  await queue.addBulk(Array.from({ length: 20 }, (_, i) => ({ name: `job${i}`, data: {} })))
  await until('all are done', async () => await queue.getCompletedCount() === 21)
  assert.equal((await queue.clean(0, 100, 'completed')).length, 21)
  await queue.obliterate({ force: true })
  assert.equal(await queue.getJobCountByTypes('wait', 'completed', 'paused', 'delayed'), 0)
})
