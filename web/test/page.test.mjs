// The page in a browser, against a running farmproxy with a fleet. FARMPROXY is the
// binary, CHROMIUM the browser; SCREENSHOTS, if set, where screenshots are written.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { chromium } from 'playwright-core'
import { adminToken, Farm, readToken, until } from './farm.mjs'

const axe = readFileSync(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8')
const miners = Number(process.env.MINERS ?? 2000)
let farm, browser

before(async () => {
  farm = await Farm.start(process.env.FARMPROXY ?? '../farmproxy', miners, miners / 10)
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] })
})
after(async () => {
  await browser?.close()
  farm?.stop()
})

/** open opens the page as whoever has a token; whatever goes wrong in it fails the test. */
async function open(t, token, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  t.after(() => context.close())
  const page = await context.newPage()
  page.wrong = []
  page.on('pageerror', (e) => page.wrong.push(e.message))
  page.on('dialog', (d) => { page.wrong.push('a dialog: ' + d.message()); d.dismiss() })
  page.on('request', (r) => { if (!r.url().startsWith(farm.url) && !/^(data|blob):/.test(r.url())) page.wrong.push('another host: ' + r.url()) })
  await page.goto(farm.url + (token ? '/#view=' + token : '/'))
  if (token) await page.waitForFunction(() => location.hash === '#/') // the page has taken it
  return page
}

const figure = (page, name) => page.locator('dt', { hasText: new RegExp('^' + name + '$') }).locator('xpath=../dd').innerText()

test('a token lets in, and is gone with the tab', async (t) => {
  const page = await open(t, '')
  await page.getByLabel('Token').fill('not-a-token-that-anybody-has')
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('alert').waitFor()
  await page.getByLabel('Token').fill(adminToken)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('heading', { name: 'Farm', exact: true }).waitFor()
  assert.equal(await page.evaluate(() => document.cookie + localStorage.length), '0')
  const other = await page.context().newPage()
  await other.goto(farm.url + '/')
  await other.getByLabel('Token').waitFor()
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.getByLabel('Token').waitFor()
  assert.deepEqual(page.wrong, [])
})

test('a view link shows the farm, leaves no trace in the address, changes nothing, and ends when it is revoked', async (t) => {
  const made = await farm.send('POST', '/api/v1/view-links', { name: 'wall', for: '1h' })
  const page = await open(t, made.path.replace('/#view=', ''))
  await page.getByRole('heading', { name: 'Farm', exact: true }).waitFor()
  assert.equal(new URL(page.url()).hash, '#/')
  await page.goto(farm.url + '/#/pools')
  await page.getByRole('button', { name: 'Drain main' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Drain' }).click()
  await page.getByRole('dialog').getByText('does not allow').waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
  await farm.send('DELETE', '/api/v1/view-links/wall')
  await page.getByText('may be over or revoked').waitFor()
  assert.deepEqual(page.wrong, [])
})

test('the figures are those of the API', async (t) => {
  const page = await open(t, readToken)
  await page.getByRole('heading', { name: 'Farm', exact: true }).waitFor()
  await until('all workers are up', async () => await figure(page, 'Workers up') === miners.toLocaleString('en'))
  const status = await farm.get('/api/v1/status')
  assert.equal(await figure(page, 'Miners'), status.miners.toLocaleString('en'))
  const shown = parseFloat(await figure(page, 'Hash rate, 5 min'))
  await until('the hash rate is that of the API', async () => {
    const now = (await farm.get('/api/v1/status')).hashrate
    const text = await figure(page, 'Hash rate, 5 min')
    const scale = { 'k': 1e3, 'M': 1e6, 'G': 1e9, 'T': 1e12 }[text.at(-4)] ?? 1
    return Math.abs(parseFloat(text) * scale / now - 1) < 0.05
  })
  assert.ok(shown > 0)
  assert.deepEqual(page.wrong, [])
})

test('workers are filtered, sorted and opened; no scrolling shows a gap', async (t) => {
  const page = await open(t, readToken)
  await page.getByRole('link', { name: 'Workers', exact: true }).click()
  const count = page.getByRole('main').getByRole('status')
  await count.getByText(`${miners.toLocaleString('en')} workers`).waitFor()
  const rows = page.locator('tbody tr:not(.space)')
  assert.ok(await rows.count() < 200, 'not all rows are in the page')
  const table = page.getByRole('region', { name: 'Table of workers' })
  for (const at of [0.3, 0.9, 0.1, 1]) {
    await table.evaluate((e, at) => { e.scrollTop = at * e.scrollHeight }, at)
    const seen = await table.evaluate(async (e) => {
      await new Promise(requestAnimationFrame)
      const box = e.getBoundingClientRect()
      return [0.2, 0.5, 0.8].map((y) => document.elementFromPoint(box.left + 60, box.top + 40 + y * (box.height - 50))?.closest('tr')?.className)
    })
    assert.deepEqual(seen, ['', '', ''], `a gap at ${at}`)
  }
  await page.getByRole('button', { name: /^Hash rate/ }).click()
  assert.equal(await page.locator('th[aria-sort="descending"]').innerText(), 'Hash rate ▼')
  await page.keyboard.press('/')
  await page.keyboard.type('rig00007 hall-0')
  await count.getByText(/^1 workers/).waitFor()
  await page.getByRole('link', { name: 'farm.rig00007' }).click()
  await page.getByRole('heading', { name: 'farm.rig00007' }).waitFor()
  await page.getByText('Last share').waitFor()
  assert.deepEqual(page.wrong, [])
})

test('each worker has a cell', async (t) => {
  const page = await open(t, readToken)
  const maps = page.locator('canvas[role=img]')
  await until('the cells are labelled', async () => (await maps.count()) > 0 && /of \d+ up$/.test(await maps.first().getAttribute('aria-label')))
  let sum = 0
  for (const label of await maps.evaluateAll((all) => all.map((c) => c.getAttribute('aria-label')))) sum += Number(/of (\d+) up/.exec(label)[1])
  assert.equal(sum, miners)
  await maps.first().click({ position: { x: 5, y: 5 } })
  await page.getByRole('heading', { name: /^farm\.rig/ }).waitFor()
  assert.deepEqual(page.wrong, [])
})

test('a name is only a name', async (t) => {
  const socket = connect(farm.listener, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.write('{"id":1,"method":"mining.subscribe","params":["<b>agent</b>"]}\n{"id":2,"method":"mining.authorize","params":["farm.<img src=x onerror=alert(1)>","x"]}\n')
  const page = await open(t, readToken)
  await page.goto(farm.url + '/#/workers')
  await page.getByLabel('Filter').fill('onerror')
  const link = page.getByRole('link', { name: /onerror/ })
  await link.click()
  await page.getByRole('heading', { name: /onerror/ }).waitFor()
  assert.equal(await page.locator('main img, main b').count(), 0)
  assert.deepEqual(page.wrong, [])
})

test('a channel is tested, after a question, and the page says what became of it', async (t) => {
  const page = await open(t, adminToken)
  await page.goto(farm.url + '/#/alerts')
  await page.getByRole('button', { name: 'Test ops' }).click()
  await page.getByRole('dialog').getByText('A test message goes to ops (webhook) now').waitFor()
  assert.equal(farm.messages.filter((m) => m.kind === 'test').length, 0)
  await page.getByRole('dialog').getByRole('button', { name: 'Send' }).click()
  await page.getByRole('dialog').getByText(/ops: sent/).waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
  assert.equal(farm.messages.filter((m) => m.kind === 'test').length, 1)
  await page.getByRole('button', { name: 'Test all' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Send' }).click()
  await page.getByRole('dialog').getByText(/away: .*connection refused/).waitFor()
  assert.deepEqual(page.wrong, [])
})

test('a pool is drained and enabled, after a question', async (t) => {
  const page = await open(t, '')
  await page.getByLabel('Token').fill(adminToken)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('link', { name: 'Pools', exact: true }).click()
  await page.getByRole('button', { name: 'Drain main' }).click()
  await page.getByRole('dialog').getByText('miners').first().waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
  assert.equal((await farm.get('/api/v1/orders')).orders.length, 0)
  await page.getByRole('button', { name: 'Drain main' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Drain' }).click()
  await until('miners have left', async () => (await farm.get('/api/v1/links')).pools.find((p) => p.name === 'backup').active)
  assert.equal((await farm.get('/api/v1/orders')).orders[0].name, 'main')
  await page.getByRole('button', { name: 'Enable main' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Enable' }).click()
  await until('the order is gone', async () => (await farm.get('/api/v1/orders')).orders.length === 0)
  assert.deepEqual(page.wrong, [])
})

for (const [width, height, colorScheme] of [[360, 740, 'light'], [1280, 900, 'dark'], [3840, 2160, 'light']]) {
  test(`everybody can use it at ${width} px, ${colorScheme}`, async (t) => {
    const page = await open(t, readToken, { viewport: { width, height }, colorScheme, bypassCSP: true })
    for (const view of ['', 'workers', 'pools', 'alerts', 'events', 'worker/farm.rig00001']) {
      await page.goto(farm.url + '/#/' + view)
      await page.locator('h1').waitFor()
      await until('nothing is loading', async () => await page.getByText('Loading').count() === 0)
      await page.evaluate(axe)
      const found = (await page.evaluate(() => axe.run())).violations.filter((v) => v.impact === 'serious' || v.impact === 'critical')
      assert.deepEqual(found.map((v) => `${v.id}: ${v.nodes[0].html}`), [], view)
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${view || 'farm'} scrolls sideways`)
      if (process.env.SCREENSHOTS && !['pools', 'alerts', 'events'].includes(view)) {
        await page.screenshot({ path: `${process.env.SCREENSHOTS}/${view.split('/')[0] || 'farm'}-${width}-${colorScheme}.png` })
      }
    }
    assert.deepEqual(page.wrong, [])
  })
}

test('a page that hears nothing says so, and goes on by itself', async (t) => {
  const page = await open(t, readToken)
  await page.getByRole('heading', { name: 'Farm', exact: true }).waitFor()
  farm.proxy.kill('SIGSTOP')
  await page.getByText(/^Out of date/).waitFor()
  farm.proxy.kill('SIGCONT')
  await until('it is up to date', async () => await page.getByText(/^Out of date/).count() === 0)
  assert.deepEqual(page.wrong, [])
})

test('a pool that is killed is said within 3 s', async (t) => {
  const page = await open(t, readToken)
  await page.getByRole('heading', { name: 'Farm', exact: true }).waitFor()
  farm.pools[0].kill('SIGKILL')
  const began = Date.now()
  await page.getByText(/^▲ Pool main is down/).waitFor()
  t.diagnostic(`said after ${Date.now() - began} ms`)
  await until('the backup serves', async () => (await farm.get('/api/v1/status')).pool === 'backup')
  assert.deepEqual(page.wrong, [])
})
