// What the page costs, with a farm of 10,000: node test/cost.mjs. FARMPROXY is the binary,
// CHROMIUM the browser; MINERS, WARM and SECONDS change the size, after how long it begins,
// which should be after the 5 minutes that hash rates are of, and how long each measurement
// lasts; HISTORY=false has a farm that remembers nothing and no page: what to compare the
// memory with.
import { readFileSync } from 'node:fs'
import { chromium } from 'playwright-core'
import { Farm, readToken, until } from './farm.mjs'

const miners = Number(process.env.MINERS ?? 10_000), span = 1000 * Number(process.env.SECONDS ?? 15)
const warm = 1000 * Number(process.env.WARM ?? 330)
const remembers = process.env.HISTORY !== 'false'
const pause = (ms) => new Promise((done) => setTimeout(done, ms))
const say = (what, value) => console.log(what.padEnd(44) + value)

const farm = await Farm.start(process.env.FARMPROXY ?? '../farmproxy', miners, miners / 10, { store: false, more: remembers ? '' : '[history]\nenabled = false\n' })
let browser
try {
  const pid = farm.proxy.pid
  const status = (key) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024
  const memory = () => `${status('VmRSS').toFixed(1)} MiB, of these ${status('RssAnon').toFixed(1)} anonymous`
  const ticks = () => { const f = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' '); return Number(f[11]) + Number(f[12]) } // 1/100 s

  /** busy returns the processor time of farmproxy in a while, in % of a core. */
  const busy = async () => {
    const before = ticks(), began = performance.now()
    await pause(span)
    return 1000 * (ticks() - before) / (performance.now() - began)
  }
  await pause(warm) // miners have their difficulties, and workers their rates
  const alone = await busy()
  say('processor without a page', alone.toFixed(2) + ' % of a core')
  if (!remembers) {
    say('memory without history and page', memory())
    process.exitCode = 0
  } else {
    const streams = new Set()
    /** listen opens a stream as a page does, and returns how many bytes have come. */
    const listen = async () => {
      const gone = new AbortController()
      const answer = await fetch(farm.url + '/api/v1/live', { headers: { Authorization: 'Bearer ' + readToken }, signal: gone.signal })
      const s = { bytes: 0, events: 0, stop: () => gone.abort() }
      streams.add(s)
      void (async () => { for await (const b of answer.body) { s.bytes += b.length; s.events += Buffer.from(b).includes('\n\n') ? 1 : 0 } })().catch(() => {})
      return s
    }
    const one = await listen()
    await until('everything has come', () => one.events > 1)
    say('a page opens with', (one.bytes / 1000).toFixed(0) + ' kB')
    let before = one.bytes
    const withOne = await busy()
    say('an open page gets', ((one.bytes - before) / span).toFixed(1) + ' kB/s')
    say('an open page takes', (withOne - alone).toFixed(2) + ' % of a core')
    for (let i = 0; i < 9; i++) await listen()
    await pause(2500)
    const withTen = await busy()
    say('ten open pages take', (withTen - alone).toFixed(2) + ' % of a core')
    for (const s of streams) s.stop()

    browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] })
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage()
    await page.goto(farm.url + '/#view=' + readToken)
    await page.locator('h1').waitFor()
    const open = async (view, seen) => {
      await page.goto('about:blank')
      await page.goto(`${farm.url}/#view=${readToken}`)
      await page.evaluate((view) => { location.hash = view }, view)
      await page.locator(seen).first().waitFor()
      return page.evaluate(() => ({ painted: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0, there: performance.now() }))
    }
    let t = await open('#/', 'dl.figures')
    say('first paint', t.painted.toFixed(0) + ' ms')
    say('the farm is shown after', t.there.toFixed(0) + ' ms')
    t = await open('#/workers', 'tbody tr:not(.space)')
    say('all workers are shown after', t.there.toFixed(0) + ' ms')
    const blank = await page.getByRole('region', { name: 'Table of workers' }).evaluate(async (box) => {
      let blank = 0, frames = 0
      const look = () => {
        const at = box.getBoundingClientRect()
        frames++
        for (const y of [0.1, 0.3, 0.5, 0.7, 0.9]) {
          const row = document.elementFromPoint(at.left + 60, at.top + 40 + y * (at.height - 50))?.closest('tr')
          if (!row || row.className === 'space') { blank++; return }
        }
      }
      for (let i = 0; i < 150; i++) {
        box.scrollTop = i < 100 ? i * 400 : Math.random() * box.scrollHeight // a wheel that is spun fast, and the bar that is dragged
        await new Promise(requestAnimationFrame)
        look()
      }
      return `${blank} of ${frames}`
    })
    say('blank frames while scrolling', blank)
    await pause(5000)
    say('memory with history and a page', memory())
  }
} finally {
  await browser?.close()
  farm.stop()
}
