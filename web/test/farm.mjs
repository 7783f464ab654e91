// A farm in a directory of its own: two pools, farmproxy, and miners, as processes.
import { spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHTTP } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** free returns a port that nobody has. */
export function free() {
  return new Promise((done) => {
    const s = createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => done(port)) })
  })
}

/** until waits until f returns something true, and returns it. */
export async function until(what, f, patience = 60_000) {
  for (const end = Date.now() + patience; ;) {
    const got = await f()
    if (got) return got
    if (Date.now() > end) throw new Error(`${what}: not within ${patience} ms`)
    await new Promise((done) => setTimeout(done, 50))
  }
}

export const readToken = 'read-only-'.padEnd(32, 'r'), adminToken = 'admin-'.padEnd(32, 'a')

export class Farm {
  /**
   * start starts a farm. more is appended to the configuration; history is a file that the farm remembers from;
   * without a store all descriptors are for miners: with one, half of them are kept for links of accounts.
   */
  static async start(binary, miners, rate, { more = '', history = '', store = true } = {}) {
    const f = new Farm()
    f.binary = binary
    f.children = []
    f.dir = mkdtempSync(join(tmpdir(), 'farm-'))
    const [main, backup, listener, web] = [await free(), await free(), await free(), await free()]
    f.url = `http://127.0.0.1:${web}`
    f.listener = listener
    f.messages = [] // that a webhook has got
    f.hook = createHTTP((q, answer) => { // who asks whether it is there gets an answer too
      let body = ''
      q.on('data', (text) => { body += text }).on('end', () => { if (body) f.messages.push(JSON.parse(body)); answer.end() })
    })
    const hook = await new Promise((done) => f.hook.listen(0, '127.0.0.1', () => done(f.hook.address().port)))
    if (history) copyFileSync(history, join(f.dir, 'history.db'))
    writeFileSync(join(f.dir, 'tokens'), `read ${readToken} board\nadmin ${adminToken} ann\n`, { mode: 0o600 })
    writeFileSync(join(f.dir, 'farmproxy.toml'), `
state_dir = "${f.dir}"
[[listener]]
address = "127.0.0.1:${listener}"
[[pool]]
name = "main"
url = "stratum+tcp://127.0.0.1:${main}"
user = "farm"
[[pool]]
name = "backup"
url = "stratum+tcp://127.0.0.1:${backup}"
user = "farm"
${store ? `[store]\nurl = "sqlite://${f.dir}/store.db"` : ''}
[miners]
worker_group = ['hall-{name:rig\\d\\d(\\d)}']
[limits]
connects_per_second = 0
[http]
address = "127.0.0.1:${web}"
token_file = "${f.dir}/tokens"
[[alerts.channel]]
name = "ops"
kind = "webhook"
url = "http://127.0.0.1:${hook}/"
[[alerts.channel]]
name = "away"
kind = "ntfy"
url = "http://127.0.0.1:1/topic"
[admin]
socket = "${f.dir}/admin"
${more}`)
    f.pools = {}
    for (const [name, port] of Object.entries({ main, backup })) f.pools[name] = { start: () => f.run('bench', 'pool', '-listen', `127.0.0.1:${port}`) }
    for (const pool of Object.values(f.pools)) pool.process = pool.start()
    f.proxy = f.run('run', '-c', join(f.dir, 'farmproxy.toml'))
    await until('farmproxy answers', async () => (await fetch(f.url + '/readyz').catch(() => null))?.ok)
    f.fleet = f.run('bench', 'fleet', '-target', `127.0.0.1:${listener}`, '-miners', String(miners), '-rate', String(rate))
    await until('all miners are there', async () => (await f.get('/api/v1/status')).workers_up === miners)
    return f
  }

  run(...args) {
    const child = spawn(this.binary, args, { stdio: ['pipe', 'ignore', 'pipe'] })
    child.log = ''
    child.stderr.on('data', (text) => { child.log = (child.log + text).slice(-20_000) })
    this.children.push(child)
    return child
  }

  get(path) { return this.send('GET', path) }

  /** send sends a request with the admin token, and returns the answer's JSON; null: there is none. */
  async send(method, path, body) {
    const answer = await fetch(this.url + path, { method, body: body && JSON.stringify(body), headers: { Authorization: 'Bearer ' + adminToken } })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return text ? JSON.parse(text) : null
  }

  stop() {
    this.hook.close()
    for (const c of this.children) { c.kill('SIGCONT'); c.kill('SIGKILL') }
    rmSync(this.dir, { recursive: true, force: true })
  }
}
