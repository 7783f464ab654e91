import { useRef, useState } from 'preact/hooks'
import { get, send } from './api'
import { PoolTable } from './farm'
import { clock, count } from './format'
import { useAnswer, useLive } from './hooks'
import { live, type Pool } from './live'

type Action = 'drain' | 'disable' | 'enable'

interface Order { kind: string; name: string; what: string; by: string; since: string; until: string | null; effective: boolean }

const verbs: Record<Action, string> = { drain: 'Drain', disable: 'Disable', enable: 'Enable' }

/** terms are for how long an order holds. */
const terms: [string, string][] = [['until it is taken back', ''], ['for 1 h', '1h'], ['for 8 h', '8h'], ['for 24 h', '24h']]

export function PoolsView() {
  useLive()
  const [asked, ask] = useState<{ pool: Pool; action: Action } | null>(null)
  const [done, setDone] = useState(0)
  const orders = useAnswer(async (signal) => (await get<{ orders: Order[] }>('/api/v1/orders', {}, signal)).orders, [done, Math.floor(live.at / 10e3)])
  const order = (name: string) => orders.value?.find((o) => o.kind === 'pool' && o.name === name)
  return (
    <>
      <h1 tabIndex={-1}>Pools</h1>
      <PoolTable pools={live.farm!.pools} actions={(p) => (
        <span class="choice">
          {(order(p.name) ? ['enable'] as Action[] : ['drain', 'disable'] as Action[]).map((action) => (
            <button key={action} type="button" aria-label={`${verbs[action]} ${p.name}`} onClick={() => ask({ pool: p, action })}>{verbs[action]}</button>
          ))}
        </span>
      )} />
      {asked && <Question {...asked} close={() => { ask(null); setDone(done + 1) }} />}
      <section>
        <h2>Orders</h2>
        {orders.trouble && <p class="error">{orders.trouble}</p>}
        {orders.value?.length === 0 && <p>None: everything is as the configuration says.</p>}
        <ul class="events">{orders.value?.map((o) => (
          <li key={o.kind + o.name}>{o.name}: {o.what}, by {o.by}, since {clock(Date.parse(o.since))}{o.until && `, until ${clock(Date.parse(o.until))}`}{!o.effective && ' (without effect: there is no such thing any more)'}</li>
        ))}</ul>
      </section>
    </>
  )
}

/** consequence says what an action will do. */
function consequence(p: Pool, action: Action): string {
  const others = live.farm!.pools.filter((o) => o.name !== p.name && o.up)
  const where = others.length > 0 ? `go to the next pool of their goal that is up (up now: ${others.map((o) => o.name).join(', ')})` : 'have no other pool that is up: they stay where they are until there is one'
  switch (action) {
    case 'drain': return `${count(p.miners)} miners get a clean job and ${where}. No miner is disconnected. farmproxy goes on probing ${p.name}.`
    case 'disable': return `${count(p.miners)} miners get a clean job and ${where}. No miner is disconnected. farmproxy makes no connection to ${p.name}.`
    case 'enable': return `${p.name} is used again as the configuration says: if it is the preferred one, miners return to it once it has been healthy for failover.return_after.`
  }
}

function Question({ pool, action, close }: { pool: Pool; action: Action; close: () => void }) {
  const [trouble, setTrouble] = useState('')
  const term = useRef<HTMLSelectElement>(null)
  const show = (d: HTMLDialogElement | null) => { if (d && !d.open) d.showModal() }
  const go = async () => {
    try {
      await send('POST', `/api/v1/pools/${encodeURIComponent(pool.name)}/${action}`, term.current?.value ? { for: term.current.value } : undefined)
      close()
    } catch (e) {
      setTrouble(e instanceof Error ? e.message : String(e))
    }
  }
  return (
    <dialog ref={show} aria-labelledby="question" onClose={close}>
      <h2 id="question">{verbs[action]} {pool.name}?</h2>
      <p>{consequence(pool, action)}</p>
      {action !== 'enable' && <p><label>It holds <select ref={term}>{terms.map(([name, value]) => <option key={value} value={value}>{name}</option>)}</select></label></p>}
      {trouble && <p class="error" role="alert">{trouble}</p>}
      <p class="choice"><button type="button" onClick={go}>{verbs[action]}</button><button type="button" autofocus onClick={close}>Cancel</button></p>
    </dialog>
  )
}
