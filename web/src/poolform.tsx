import { type Fill } from './change'
import { Choice, Field } from './field'
import { moved, type Lists, type Overlay, type PoolKeys } from './overlay'

/** texts are the keys that are text or numbers, with what they mean. */
const texts: [keyof PoolKeys, string, boolean][] = [
  ['name', 'in metrics, logs and here; left out, host:port of the url', true],
  ['url', 'stratum+tcp://host:port, or stratum+tls://, agent+tcp://, agent+tls://', true],
  ['user', 'your account at the pool', true],
  ['algorithm', 'what is mined there; the same for all pools', false],
  ['links', 'connections that are kept open', false],
  ['suggest_difficulty', 'asked for before authorize; 0 asks for none', false],
  ['fixed_worker', "every worker's name at the pool", false],
  ['user_agent', 'sent in subscribe', false],
  ['tls_fingerprint', "SHA-256 of the pool's certificate", false],
]

const fresh = { name: '', url: '', user: '', algorithm: 'sha256d', links: 1, suggest_difficulty: 0, fixed_worker: '', user_agent: '', tls_fingerprint: '', workers: 'aggregate', mode: 'aggregate' }

/** PoolForm is the form of a pool; at is its place in the list, or that of a new one. */
export function PoolForm({ now, at, submit, problems, busy }: { now: Overlay; at: number } & Fill) {
  const before = now.pool[at] as PoolKeys | undefined
  const values = before ?? { ...fresh, algorithm: now.pool[0]?.algorithm ?? fresh.algorithm } as PoolKeys
  const send = (e: SubmitEvent) => {
    e.preventDefault()
    submit(withPool(now, at, new FormData(e.target as HTMLFormElement)))
  }
  const own = (key: string) => problems.filter((p) => new RegExp(`^pool\\[\\d+\\]\\.${key}$`).test(p.key))
  const fields = [...texts.map(([key]) => key), 'password', 'workers', 'mode', 'tls_insecure']
  const others = problems.filter((p) => !fields.some((key) => own(key).includes(p)))
  const text = ([key, hint]: [keyof PoolKeys, string, boolean]) => <Field key={key} name={key} hint={hint} value={String(values[key])} problems={own(key)} />
  return (
    <form onSubmit={send} class="keys">
      {texts.filter(([, , first]) => first).map(text)}
      <Field name="password" type="password" hint={before ? 'left empty, it stays as it is' : 'left empty: x, which nearly every pool takes'} value="" problems={own('password')} />
      <label>Place <select name="place" defaultValue={String(before ? at : now.pool.length)}>
        {[...now.pool, ...(before ? [] : [null])].map((_, i) => <option key={i} value={i} selected={i === (before ? at : now.pool.length)}>{i + 1}{i === 0 && ': the preferred one'}</option>)}
      </select></label>
      {!before && now.route.length > 0 && (
        <fieldset><legend>Goals that use it</legend>{now.route.flatMap((r, i) => r.goal.map((g, j) => (
          <label key={`${i} ${j}`} class="check"><input type="checkbox" name="goals" value={`${i} ${j}`} />{r.name}: {g.name}</label>
        )))}</fieldset>
      )}
      <details open={problems.some((p) => texts.some(([key, , first]) => !first && own(key).includes(p)))}>
        <summary>More</summary>
        <Choice name="workers" value={values.workers} options={['aggregate', 'pass']} hint="whether the pool sees each worker" problems={own('workers')} />
        <Choice name="mode" value={values.mode} options={['aggregate', 'direct']} hint="direct: one link for each miner" problems={own('mode')} />
        {texts.filter(([, , first]) => !first).map(text)}
        <label class="check"><input type="checkbox" name="tls_insecure" defaultChecked={before?.tls_insecure} />tls_insecure: accept any certificate</label>
      </details>
      {others.map((p) => <p key={p.text} class="error" role="alert">{p.text}</p>)}
      <p><button disabled={busy}>What would it do?</button></p>
    </form>
  )
}

/** withPool returns the lists with the pool that a form describes. */
function withPool(now: Overlay, at: number, form: FormData): Lists {
  const before = now.pool[at] as PoolKeys | undefined
  const value = (key: string) => (form.get(key) as string).trim()
  const name = value('name') || value('url').replace(/^.*:\/\//, '')
  const pool: Partial<PoolKeys> = {
    ...before, name, url: value('url'), user: value('user'), algorithm: value('algorithm'), links: Number(value('links')), suggest_difficulty: Number(value('suggest_difficulty')),
    fixed_worker: value('fixed_worker'), user_agent: value('user_agent'), tls_fingerprint: value('tls_fingerprint'), workers: value('workers'), mode: value('mode'), tls_insecure: form.has('tls_insecure'),
  }
  const password = form.get('password') as string
  if (password) pool.password = password
  const list: Partial<PoolKeys>[] = before ? now.pool.map((p, i) => i === at ? pool : p) : [...now.pool, pool]
  const joins = form.getAll('goals')
  const renamed = (p: string) => before && p === before.name ? name : p
  return {
    pool: moved(list, at, Number(form.get('place'))),
    route: now.route.map((r, i) => ({ ...r, goal: r.goal.map((g, j) => ({ ...g, pools: [...g.pools.map(renamed), ...(joins.includes(`${i} ${j}`) ? [name] : [])] })) })),
  }
}
