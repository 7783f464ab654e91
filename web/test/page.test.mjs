// The page in a browser, against a running farmproxy with a fleet. FARMPROXY is the
// binary, CHROMIUM the browser; SCREENSHOTS, if set, where screenshots are written.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { availableParallelism, loadavg } from 'node:os'
import { after, before, test } from 'node:test'
import { chromium } from 'playwright-core'
import { adminToken, Farm, free, readToken, until } from './farm.mjs'

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
  context.setDefaultTimeout(90_000) // a busy machine takes ten times as long
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
  await other.addInitScript(() => { // in the background nothing is painted, and timers are late
    const later = window.setTimeout
    window.setTimeout = (f, ms = 0, ...args) => later(f, Math.max(ms, 1000), ...args)
    window.requestAnimationFrame = () => 0
  })
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
  await page.getByRole('dialog').getByText('does not allow').waitFor()
  assert.ok(await page.getByRole('dialog').getByRole('button', { name: 'Drain' }).isDisabled())
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
  await farm.send('DELETE', '/api/v1/view-links/wall')
  await page.getByText('may be over or revoked').waitFor()
  assert.deepEqual(page.wrong, [])
})

// Its time is recorded; a busy machine takes as long as it takes.
test('the first paint waits for nothing but the page', async (t) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  t.after(() => context.close())
  context.setDefaultTimeout(90_000)
  const page = await context.newPage()
  await page.route('**/api/**', () => {}) // no answer
  await page.goto(farm.url + '/#view=' + readToken)
  const painted = () => page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime)
  t.diagnostic(`first paint after ${Math.round(await (await painted()).jsonValue())} ms, without an answer`)
  await page.unroute('**/api/**')
  await page.goto('about:blank')
  await page.goto(farm.url + '/#view=' + readToken)
  t.diagnostic(`first paint after ${Math.round(await (await painted()).jsonValue())} ms`)
  await page.getByRole('heading', { name: 'Farm', exact: true }).waitFor()
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

  // What grows all the time is between what the API says before and after.
  const accepted = async () => (await farm.get('/api/v1/status')).shares.accepted
  const least = await accepted()
  await until('the accepted shares are those of the API', async () => {
    const n = Number((await page.getByText(/^[\d,]+ accepted, /).innerText()).split(' ')[0].replaceAll(',', ''))
    return n >= least && n <= await accepted()
  })

  // Each pool's row is that of the API.
  const columns = await page.getByRole('region', { name: 'Pools' }).locator('thead th').allInnerTexts()
  for (const name of ['main', 'backup']) {
    const row = page.getByRole('region', { name: 'Pools' }).locator('tbody tr', { has: page.getByRole('rowheader', { name, exact: true }) })
    await until(`the row of ${name} is that of the API`, async () => {
      const cells = await row.locator('th, td').allInnerTexts()
      const at = (column) => cells[columns.indexOf(column)]
      const p = (await farm.get('/api/v1/pools')).compared.find((p) => p.name === name)
      return at('State') === (p.active ? '● active' : p.up ? '○ up' : '✕ down') && Math.abs(Number(at('Difficulty').replaceAll(',', '')) / p.difficulty - 1) < 0.01
        && (p.accepted === 0 || at('Rejected') === `${(100 * p.reject_rate).toFixed(2)} %`)
    })
  }

  // A worker that was never seen is not counted as not seen today as well.
  await farm.send('POST', '/api/v1/roster', { workers: 'farm.never' })
  await until('a worker was never seen', async () => await figure(page, 'Never seen') === '1')
  assert.equal(await figure(page, 'Not seen today'), '0')
  await farm.send('DELETE', '/api/v1/roster/farm.never')
  await until('it is forgotten', async () => await figure(page, 'Never seen') === '0')
  assert.deepEqual(page.wrong, [])
})

test('a pool of nothing does not hide the line of another one', async (t) => {
  const page = await open(t, readToken)
  await page.route(/\/api\/v1\/history\?/, (route) => {
    const hashrate = new URL(route.request().url()).searchParams.get('name') === 'backup' ? 0 : 1000
    const points = Array.from({ length: 144 }, (_, i) => ({ time: new Date(Date.now() - (144 - i) * 600e3).toISOString(), hashrate, work: 0, accepted: 0, rejected: 0, seconds: 600, up: 1 }))
    return route.fulfill({ json: { points } })
  })
  await page.goto(farm.url + '/#/pools')
  await page.goto(farm.url + '/#/')
  const near = (colour) => page.locator('figure canvas').first().evaluate((c, colour) => {
    const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height)
    let n = 0
    for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 128 && colour.every((v, j) => Math.abs(v - data[i + j]) < 40)) n++
    return n
  }, colour)
  await until('the line of main is drawn', async () => await near([0x2f, 0x81, 0xf7]) > 500)
  const hidden = await near([0xd2, 0x99, 0x22])
  assert.ok(hidden < 50, `${hidden} points of the line of backup`)
  assert.deepEqual(page.wrong, [])
})

test('workers are filtered, sorted and opened; no scrolling shows a gap', async (t) => {
  const page = await open(t, readToken)
  await page.route(/\/api\/v1\/sparks\?/, (route) => { // the farm is too young for a day
    const names = new URL(route.request().url()).searchParams.getAll('name')
    return route.fulfill({ json: { rates: names.map(() => Array.from({ length: 48 }, (_, i) => i)) } })
  })
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
  await until('each row has its last day', async () => await table.evaluate((e) => {
    const box = e.getBoundingClientRect()
    const seen = [...e.querySelectorAll('tbody tr:not(.space)')].filter((r) => r.getBoundingClientRect().top > box.top + 40 && r.getBoundingClientRect().bottom < box.bottom)
    return seen.length > 5 && seen.every((r) => /^M[\d.]+ [\d.]+L/.test(r.querySelector('svg path')?.getAttribute('d') ?? ''))
  }))
  await page.getByRole('button', { name: /^Hash rate/ }).click()
  assert.equal(await page.locator('th[aria-sort="descending"]').innerText(), 'Hash rate ▼')
  await page.keyboard.press('/')
  await page.keyboard.type('rig00007 hall-0')
  await count.getByText(/^1 worker,/).waitFor()
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

test('workers stand below their groups, which open and close', async (t) => {
  const page = await open(t, readToken)
  await page.goto(farm.url + '/#/workers')
  await page.getByLabel('by group').check()
  const groups = (await farm.get('/api/v1/groups?per_page=1000')).groups
  const heading = page.getByRole('button', { name: groups[0].name, exact: false })
  assert.equal(await heading.getAttribute('aria-expanded'), 'true')
  await heading.locator('xpath=..').getByText(`${groups[0].workers_up.toLocaleString('en')} of ${groups[0].workers.toLocaleString('en')} up`).waitFor()
  for (const g of groups) await page.getByRole('button', { name: g.name, exact: false }).last().click()
  assert.equal(await page.locator('tbody tr:not(.space)').count(), groups.length)
  assert.equal(await heading.getAttribute('aria-expanded'), 'false')
  await page.getByRole('link', { name: 'Farm', exact: true }).click()
  await page.getByRole('button', { name: 'by group' }).click()
  await page.getByRole('heading', { name: 'Hash rate by group' }).waitFor()
  assert.deepEqual(page.wrong, [])
})

test("a worker's page says which shares were rejected and why connections ended", async (t) => {
  const socket = connect(farm.listener, '127.0.0.1')
  socket.write('{"id":0,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"1fffe000"}]}\n')
  socket.write('{"id":1,"method":"mining.subscribe","params":["bmminer"]}\n{"id":2,"method":"mining.authorize","params":["farm.lost","x"]}\n')
  socket.write('{"id":3,"method":"mining.submit","params":["farm.lost","never","00000000","00000000","00000000"]}\n')
  await until('the share is rejected', async () => (await farm.get('/api/v1/workers?search=farm.lost')).workers[0]?.rejected.unknown_job)
  const page = await open(t, readToken)
  await page.goto(farm.url + '/#/worker/farm.lost')
  assert.equal(await figure(page, 'Version rolling'), '16 bits (1fffe000)')
  socket.destroy()
  await until('the miner has gone', async () => (await farm.get('/api/v1/workers/farm.lost')).last_closed.length > 0)
  await page.getByText(/unknown_job, at difficulty .*: for a job that this miner was never sent/).waitFor()
  await page.getByText(/127\.0\.0\.1:\d+: the miner or the network closed it/).waitFor()
  assert.deepEqual(page.wrong, [])
})

test('the farm has its own clock', async (t) => {
  const page = await open(t, readToken, { timezoneId: 'Asia/Kolkata' })
  await page.goto(farm.url + '/#/events')
  await page.getByRole('listitem').filter({ hasText: 'at the farm' }).first().waitFor()
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
  await page.getByRole('dialog').getByText(/^From main to backup: [\d,]+ miners, each by a clean job/).waitFor()
  const would = await farm.send('POST', '/api/v1/pools/main/drain?dry_run=true', {})
  assert.deepEqual(await page.getByRole('dialog').getByRole('listitem').allTextContents(), would.effects, 'the words are the server\'s')
  await page.getByRole('dialog').getByLabel('It holds').selectOption('8h')
  await page.getByRole('dialog').getByText(/^It ends by itself at /).waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
  assert.equal((await farm.get('/api/v1/orders')).orders.length, 0)
  await page.getByRole('button', { name: 'Drain main' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Drain' }).click()
  await until('miners have left', async () => (await farm.get('/api/v1/links')).pools.find((p) => p.name === 'backup').active)
  assert.equal((await farm.get('/api/v1/orders')).orders[0].name, 'main')
  await page.getByRole('button', { name: 'Enable main' }).click()
  await page.getByRole('dialog').getByText(/^This takes back what ann/).waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Enable' }).click()
  await until('the order is gone', async () => (await farm.get('/api/v1/orders')).orders.length === 0)
  assert.deepEqual(page.wrong, [])
})

/** asAdmin opens a view with the admin token. */
async function asAdmin(t, view) {
  const page = await open(t, '')
  await page.getByLabel('Token').fill(adminToken)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('heading', { name: 'Farm', exact: true }).waitFor()
  await page.goto(farm.url + '/#/' + view)
  return page
}

test('a pool is added, ordered, weighed and removed by form, each after a dry run', async (t) => {
  const third = await free(), address = `127.0.0.1:${third}`
  const pool = farm.run('bench', 'pool', '-listen', address)
  t.after(() => pool.kill('SIGKILL'))
  const page = await asAdmin(t, 'pools')
  const names = async () => (await farm.get('/api/v1/config/overlay')).pool.map((p) => p.name)
  const shown = (...texts) => until('the page shows it', async () => {
    const rows = await page.getByRole('region', { name: 'Pools of the configuration' }).locator('tbody tr').allInnerTexts()
    return rows.length === texts.length && rows.every((row, i) => row.includes(texts[i]))
  })
  const dialog = page.getByRole('dialog')
  const ask = async (button) => page.getByRole('button', { name: button, exact: true }).click()
  const set = async (...says) => {
    for (const text of says) await dialog.getByText(text).first().waitFor()
    await dialog.getByRole('button', { name: 'Set it' }).click()
    await dialog.waitFor({ state: 'detached' })
  }

  // A wrong url says what to do, beside the field; a pool that does not answer says so.
  await ask('Add a pool')
  await dialog.getByLabel('name', { exact: true }).fill('third')
  await dialog.getByLabel('url', { exact: true }).fill(address)
  await dialog.getByLabel('user', { exact: true }).fill('farm')
  await dialog.getByRole('button', { name: 'What would it do?' }).click()
  await dialog.getByRole('alert').getByText(`try "stratum+tcp://${address}"`).waitFor()
  assert.equal(await dialog.getByLabel('url', { exact: true }).getAttribute('aria-invalid'), 'true')
  await dialog.getByLabel('url', { exact: true }).fill('stratum+tcp://127.0.0.1:1')
  await dialog.getByRole('button', { name: 'What would it do?' }).click()
  await dialog.getByText(/third sends no job: .*refused/).waitFor()
  await dialog.getByRole('button', { name: 'Back' }).click()
  await dialog.getByLabel('url', { exact: true }).fill('stratum+tcp://' + address)
  await dialog.getByRole('button', { name: 'What would it do?' }).click()
  await dialog.getByText(/third gives an extranonce2 of/).waitFor()
  await dialog.getByText('No miner is disconnected.').waitFor()
  assert.deepEqual(await names(), ['main', 'backup'], 'a dry run changes nothing')
  await set('third is new', 'add pool third')
  await until('the pool is there', async () => (await farm.get('/api/v1/links')).pools.some((p) => p.name === 'third' && p.up))

  await ask('Prefer third more')
  await set('move pool third from place 3 to 2')
  assert.deepEqual(await names(), ['main', 'third', 'backup'])
  await shown('main', 'third', 'backup') // a change of what is out of date is refused
  await ask('Change third')
  await dialog.getByLabel('user', { exact: true }).fill('other')
  await dialog.getByRole('button', { name: 'What would it do?' }).click()
  await set('user from "farm" to "other"', 'third is connected anew')
  await shown('main', 'other', 'backup')

  // The work is divided, and then otherwise for a time.
  await ask('Divide the work')
  const goal = (n) => dialog.getByRole('group').nth(n)
  for (const [n, weight] of ['7.5', '2.5'].entries()) { // by the keyboard: what is typed stays as it is
    const field = goal(n).getByLabel('weight')
    await field.fill('')
    await field.pressSequentially(weight)
    assert.equal(await field.inputValue(), weight)
  }
  await goal(1).getByLabel('pools: first').selectOption('third')
  await goal(0).getByText('75.0 % of the work').waitFor()
  await dialog.getByRole('button', { name: 'What would it do?' }).click()
  await set('main 75 % (new), second 25 % (new)')
  const route = async () => (await farm.get('/api/v1/routes')).routes[0]
  await until('miners are divided', async () => (await route())?.goals[1].miners > miners / 10)
  await ask('Weigh all otherwise for a time')
  await dialog.getByLabel('main').fill('50')
  await dialog.getByLabel('second').fill('50')
  await dialog.getByText(/^From goal main to goal second: about [\d,]+ miners within minutes/).waitFor()
  await dialog.getByLabel('It holds').selectOption('1h')
  await dialog.getByRole('button', { name: 'Weigh', exact: true }).click()
  await dialog.waitFor({ state: 'detached' })
  await until('the weights are ordered', async () => (await route()).goals.every((g) => g.wish === 0.5 && g.source === 'order'))
  await page.getByRole('button', { name: /^Take back: all/ }).click()
  await dialog.getByRole('button', { name: 'Take back' }).click()
  await until('the order is gone', async () => (await farm.get('/api/v1/orders')).orders.length === 0)

  // A worker is moved and pinned.
  await page.goto(farm.url + '/#/worker/farm.rig00003')
  await page.getByRole('button', { name: 'Move or pin' }).click()
  await dialog.getByLabel('Goal').selectOption({ label: 'all: second' })
  await dialog.getByLabel('It stays there').check()
  await dialog.getByText('It stays there, and the others are balanced around it.').waitFor()
  await dialog.getByRole('button', { name: 'Move', exact: true }).click()
  await dialog.waitFor({ state: 'detached' })
  assert.equal((await farm.get('/api/v1/orders')).orders[0].name, 'farm.rig00003')
  await page.getByRole('button', { name: 'Unpin' }).click()
  await dialog.getByRole('button', { name: 'Unpin' }).click()
  await until('the pin is gone', async () => (await farm.get('/api/v1/orders')).orders.length === 0)

  await page.goto(farm.url + '/#/pools')
  await ask('Remove third')
  await set('third is left', 'remove pool third')
  await shown('main', 'backup')
  await ask("Use the file's again")
  await set('Route all is gone', 'remove route all')
  assert.deepEqual(await names(), ['main', 'backup'])
  assert.deepEqual(page.wrong, [])
})

test('a goal weighs otherwise at times, by form', async (t) => {
  const page = await asAdmin(t, 'pools')
  const dialog = page.getByRole('dialog')
  const ask = async (button) => page.getByRole('button', { name: button, exact: true }).click()
  const press = (name) => dialog.getByRole('button', { name, exact: true }).click()
  const period = (name) => dialog.getByRole('group', { name, exact: true })
  const fill = async (name, values) => { for (const [label, value] of values) await period(name()).getByLabel(label, { exact: true }).fill(value) }
  const set = async (says) => {
    await press('What would it do?')
    await dialog.getByText(says).first().waitFor()
    await press('Set it')
    await dialog.waitFor({ state: 'detached' })
  }
  const schedule = async () => (await farm.get('/api/v1/config/overlay')).route[0].goal[0].schedule
  const shown = (main) => page.getByRole('listitem').filter({ hasText: `Route all: main 70.0 % on main, backup${main}; second` }).waitFor()

  // What is wrong is said beside its field, and nothing has changed.
  await ask('Divide the work')
  await press('Add a schedule to goal main')
  const first = () => 'schedule 1 of goal main'
  await fill(first, [['days', 'mon-frei'], ['zone', 'Berlin'], ['to', '25:00']])
  await press('What would it do?')
  for (const [label, says] of [['days', 'expected days and ranges of days'], ['zone', 'expected a time zone'], ['from', 'required: a time of day'], ['to', 'expected a time of day'], ['weight', 'required: the goal\'s weight']]) {
    const field = period(first()).getByLabel(label, { exact: true })
    await field.locator('xpath=..').getByRole('alert').getByText(says).waitFor()
    assert.equal(await field.getAttribute('aria-invalid'), 'true', label)
  }
  assert.equal((await farm.get('/api/v1/config/overlay')).overlay, null, 'a dry run changes nothing')

  await fill(first, [['days', 'mon-fri'], ['zone', 'Europe/Berlin'], ['to', '06:00'], ['weight', '90'], ['from', '22:00']])
  const night = { days: 'mon-fri', from: '22:00', to: '06:00', zone: 'Europe/Berlin', weight: 90 }
  await period('mon-fri 22:00-06:00 Europe/Berlin: weight 90').waitFor()
  await set('By its schedule, goal main of route all weighs 90 (mon-fri 22:00-06:00 Europe/Berlin), and 70 otherwise.')
  assert.deepEqual(await schedule(), [night])
  await shown(' (mon-fri 22:00-06:00 Europe/Berlin: weight 90)')

  // Another one, in the farm's zone, is in force at any time: once it is the first, it counts.
  await ask('Change route all')
  await press('Add a schedule to goal main')
  await fill(() => 'schedule 2 of goal main', [['weight', '2.5'], ['to', '24:00'], ['from', '00:00']])
  await press('Prefer schedule 2 of goal main more')
  await set('weighs 2.5 (daily 00:00-24:00), 90 (mon-fri 22:00-06:00 Europe/Berlin), and 70 otherwise')
  const always = { days: '', from: '00:00', to: '24:00', zone: '', weight: 2.5 }
  assert.deepEqual(await schedule(), [always, night])
  const weighs = async () => { const { weight, source } = (await farm.get('/api/v1/routes/all/weights')).goals[0]; return `${weight} by ${source}` }
  await until('the schedule is in force', async () => await weighs() === '2.5 by schedule')
  await shown(' (daily 00:00-24:00: weight 2.5, mon-fri 22:00-06:00 Europe/Berlin: weight 90)')

  // It is changed, and removed.
  await ask('Change route all')
  await fill(() => 'daily 00:00-24:00: weight 2.5', [['weight', '0']])
  await press('Remove schedule 2 of goal main')
  await set('weighs 0 (daily 00:00-24:00), and 70 otherwise')
  assert.deepEqual(await schedule(), [{ ...always, weight: 0 }])
  await shown(' (daily 00:00-24:00: weight 0)')
  await ask('Change route all')
  await press('Remove schedule 1 of goal main')
  await set('Goal main of route all has no schedule any more: it weighs 70 at all times.')
  assert.deepEqual(await schedule(), [])
  await until('the configuration is in force', async () => await weighs() === '70 by configuration')
  await shown('')
  await ask("Use the file's again")
  await press('Set it')
  await dialog.waitFor({ state: 'detached' })
  assert.equal((await farm.get('/api/v1/config/overlay')).overlay, null)
  assert.deepEqual(page.wrong, [])
})

test('accounts, curtailments and view links are set by form', async (t) => {
  const page = await asAdmin(t, 'settings')
  const dialog = page.getByRole('dialog')
  const ask = async (button) => page.getByRole('button', { name: button, exact: true }).click()
  const answer = async (verb) => {
    await dialog.getByRole('button', { name: verb, exact: true }).click()
    await dialog.waitFor({ state: 'detached' })
  }
  await ask('Register a pool')
  await dialog.getByLabel('pool, host:port').fill('nowhere')
  await dialog.getByRole('button', { name: 'Register', exact: true }).click()
  await dialog.getByRole('alert').getByText('nowhere').waitFor()
  await dialog.getByLabel('pool, host:port').fill('127.0.0.1:1')
  await answer('Register')
  await ask('Register an account')
  assert.ok(await dialog.getByRole('button', { name: 'Register', exact: true }).isDisabled(), 'a form that is not filled in makes no account')
  await dialog.getByLabel('user', { exact: true }).fill('alice')
  await dialog.getByLabel('pool', { exact: true }).selectOption('127.0.0.1:1') // once it is in the list
  await dialog.getByText('alice at 127.0.0.1:1 is a new account: farmproxy gives it a name').waitFor()
  assert.equal((await farm.get('/api/v1/users')).total, 0, 'a dry run registers nobody')
  await answer('Register')
  await page.getByText(/^Registered: miners log in as /).waitFor()
  const { users } = await farm.get('/api/v1/users')
  assert.deepEqual(users.map((u) => [u.pool, u.user]), [['127.0.0.1:1', 'alice']])
  await ask('Delete ' + users[0].name)
  await dialog.getByText(`No miner of account ${users[0].name} is connected.`).waitFor()
  await answer('Delete')
  await until('the account is gone', async () => (await farm.get('/api/v1/users')).total === 0)

  await page.goto(farm.url + '/#/alerts')
  await ask('Curtail')
  await dialog.getByLabel('Group').selectOption('hall-0')
  await dialog.getByLabel('Reason').fill('price')
  await dialog.getByLabel('It holds').selectOption('8h')
  await answer('Curtail')
  await page.getByText(/^hall-0: from .*: price/).waitFor()
  await ask('End the curtailment of hall-0')
  await answer('End it')
  const over = async () => (await farm.get('/api/v1/curtailments')).curtailments.length === 0
  await until('the curtailment is over', over)
  await ask('Curtail')
  await dialog.getByLabel('It holds').selectOption('1h')
  await answer('Curtail')
  await page.goto(farm.url + '/#/pools')
  await page.getByRole('button', { name: /^Take back: all miners, miners off on purpose/ }).click()
  await answer('Take back')
  await until('the other one is over, too', over)

  await page.goto(farm.url + '/#/settings')
  await ask('Make a view link')
  await dialog.getByLabel('Name').fill('a wall')
  await dialog.getByRole('alert').getByText('expected 1 to 32 letters').waitFor()
  assert.ok(await dialog.getByRole('button', { name: 'Make it' }).isDisabled())
  await dialog.getByLabel('Name').fill('wall')
  await dialog.getByText('Whoever has the address of wall sees all of the page').waitFor()
  await answer('Make it')
  const other = await (await browser.newContext()).newPage()
  t.after(() => other.context().close())
  other.setDefaultTimeout(90_000)
  await other.goto(await page.getByLabel(/^The link wall/).inputValue())
  await other.getByRole('heading', { name: 'Farm', exact: true }).waitFor()
  await ask('Revoke wall')
  await dialog.getByText('Whoever has the address of wall, which ann at ').waitFor()
  await answer('Revoke')
  await other.getByLabel('Token').waitFor()
  assert.deepEqual(page.wrong, [])
})

/** lockedPool is a pool that lets in who says the password, and keeps who came. */
async function lockedPool(t, password) {
  const came = []
  const server = createServer((socket) => {
    let rest = ''
    socket.on('error', () => {}).on('data', (text) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop()
      for (const { id, method, params } of lines.map((line) => JSON.parse(line))) {
        if (method === 'mining.authorize') came.push(params)
        const result = { 'mining.subscribe': [[['mining.notify', '1']], 'aabbccdd', 8], 'mining.configure': {} }[method] ?? params[1] === password
        socket.write(JSON.stringify({ id, result, error: null }) + '\n')
      }
    })
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => server.close())
  return { address: '127.0.0.1:' + server.address().port, came }
}

test('the work of an account is divided by form', async (t) => {
  const own = '127.0.0.1:2', locked = await lockedPool(t, 'secret')
  for (const pool of [own, locked.address]) await farm.send('POST', '/api/v1/pools', { pool, algorithm: 'sha256d' })
  const { name } = await farm.send('POST', '/api/v1/users', { pool: own, user: 'carol' })
  const goals = async () => (await farm.get('/api/v1/users/' + name)).goals
  const page = await asAdmin(t, 'settings')
  const dialog = page.getByRole('dialog')
  const press = (button) => dialog.getByRole('button', { name: button, exact: true }).click()
  const within = (group) => dialog.getByRole('group', { name: group, exact: true })
  const field = (group, label) => within(group).getByLabel(label, { exact: true })
  const divide = () => page.getByRole('button', { name: 'Divide the work of ' + name, exact: true }).click()
  const set = async (says) => {
    await dialog.getByText(says).waitFor()
    await press('Set it')
    await dialog.waitFor({ state: 'detached' })
  }
  const shown = (text) => page.getByRole('region', { name: 'Accounts' }).getByRole('cell', { name: text, exact: true }).waitFor()

  // A pool that refuses says so, and nothing has changed.
  await shown(own)
  await divide()
  await field('pool 1 of goal second', 'pool').selectOption(locked.address)
  await field('pool 1 of goal second', 'user').fill('bob')
  await field('pool 1 of goal second', 'password').fill('wrong')
  await dialog.getByText(`${locked.address} is asked first whether it lets bob in`).waitFor()
  assert.deepEqual(locked.came, [], 'a dry run asks no pool')
  await press('Set it')
  await dialog.getByRole('alert').getByText(locked.address).waitFor()
  assert.deepEqual(await goals(), [])
  await field('pool 1 of goal second', 'password').fill('secret')
  await set(`main 70 % to ${own}; second 30 % to ${locked.address} as bob.`)
  assert.deepEqual(await goals(), [{ name: 'main', weight: 70, pools: [{ pool: own }] }, { name: 'second', weight: 30, pools: [{ pool: locked.address, user: 'bob' }] }])
  await shown(`main 70.0 % on ${own}; second 30.0 % on ${locked.address} as bob`)

  // What there is is shown, weighed and ordered; another goal, and another pool of one, are added. The password stays.
  await divide()
  assert.equal(await field('pool 1 of goal second', 'user').inputValue(), 'bob')
  await field('Goal second', 'weight').fill('60')
  await press('Add a pool to goal second')
  assert.ok(await dialog.getByRole('button', { name: 'Set it' }).isDisabled(), 'no pool is chosen')
  await field('pool 2 of goal second, if none before works', 'pool').selectOption(own)
  await press('Prefer pool 2 of goal second more')
  await press('Move goal second up')
  await press('Add a goal')
  assert.ok(await dialog.getByRole('button', { name: 'Set it' }).isDisabled(), 'a goal without a name')
  await field('Goal 3', 'weight').fill('70')
  await field('pool 1 of goal 3', 'pool').selectOption(own)
  await field('Goal 3', 'name').fill('third')
  await set(`second 30 % to ${own}, then ${locked.address} as bob; main 35 % to ${own}; third 35 % to ${own}.`)
  assert.deepEqual(await goals(), [
    { name: 'second', weight: 60, pools: [{ pool: own }, { pool: locked.address, user: 'bob' }] }, { name: 'main', weight: 70, pools: [{ pool: own }] }, { name: 'third', weight: 70, pools: [{ pool: own }] },
  ])
  await shown(`second 30.0 % on ${own}, ${locked.address} as bob; main 35.0 % on ${own}; third 35.0 % on ${own}`)
  assert.deepEqual(locked.came, [['bob', 'wrong'], ['bob', 'secret']])

  // Pools and goals are removed; without any, all work goes to the account's own pool.
  await divide()
  await press('Remove pool 1 of goal second')
  for (const goal of ['third', 'main']) await press('Remove goal ' + goal)
  await set(`second 100 % to ${locked.address} as bob.`)
  assert.deepEqual(await goals(), [{ name: 'second', weight: 60, pools: [{ pool: locked.address, user: 'bob' }] }])
  await shown(`second 100.0 % on ${locked.address} as bob`)
  await divide()
  await press('Remove goal second')
  await dialog.getByText(`Without goals, all of it goes to ${own}.`).waitFor()
  await set(`is divided otherwise: all to ${own}.`)
  assert.deepEqual(await goals(), [])
  assert.equal(locked.came.length, 2, 'no pool is asked for what is known')
  await farm.send('DELETE', '/api/v1/users/' + name)
  for (const pool of [own, locked.address]) await farm.send('DELETE', '/api/v1/pools/' + pool)
  assert.deepEqual(page.wrong, [])
})

for (const [width, height, colorScheme] of [[360, 740, 'light'], [1280, 900, 'dark'], [3840, 2160, 'light']]) {
  test(`everybody can use it at ${width} px, ${colorScheme}`, async (t) => {
    const page = await open(t, readToken, { viewport: { width, height }, colorScheme, bypassCSP: true })
    for (const view of ['', 'workers', 'pools', 'alerts', 'events', 'settings', 'worker/farm.rig00001']) {
      await page.goto(farm.url + '/#/' + view)
      await page.locator('h1').waitFor()
      await until('nothing is loading', async () => await page.getByText('Loading').count() === 0)
      await page.evaluate(axe)
      const found = (await page.evaluate(() => axe.run())).violations.filter((v) => v.impact === 'serious' || v.impact === 'critical')
      assert.deepEqual(found.map((v) => `${v.id}: ${v.nodes[0].html}`), [], view)
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${view || 'farm'} scrolls sideways`)
      if (process.env.SCREENSHOTS && !['pools', 'alerts', 'events', 'settings'].includes(view)) {
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

test('a pool that is killed is said within 3 s, in use or not', async (t) => {
  const page = await open(t, readToken)
  await page.getByRole('heading', { name: 'Farm', exact: true }).waitFor()
  const dies = async (name) => {
    const began = Date.now()
    farm.pools[name].process.kill('SIGKILL')
    await page.getByText(`▲ Pool ${name} is down`).waitFor()
    const after = Date.now() - began
    t.diagnostic(`${name}: said after ${after} ms`)
    if (loadavg()[0] < 2 * availableParallelism()) assert.ok(after < 3000, `${name}: said after ${after} ms`) // else the machine has more to do than it can
  }
  const serves = async () => (await farm.get('/api/v1/links')).pools.find((p) => p.active)?.name
  const used = await serves(), other = used === 'main' ? 'backup' : 'main'
  await until('the other one is heard', async () => (await farm.get('/api/v1/pools')).compared.find((p) => p.name === other).quiet_link)
  await dies(other)
  farm.pools[other].process = farm.pools[other].start()
  await until('it is up again', async () => (await farm.get('/api/v1/links')).pools.find((p) => p.name === other).up)
  await dies(used)
  await until('the other one serves', async () => await serves() === other)
  assert.deepEqual(page.wrong, [])
})
