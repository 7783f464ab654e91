import { useState } from 'preact/hooks'
import { get, send } from './api'
import { Configured } from './configured'
import { PoolTable } from './farm'
import { clock, count } from './format'
import { useAnswer, useLive } from './hooks'
import { live, type Pool } from './live'
import { Question } from './question'
import { Routes } from './routes'

type Action = 'drain' | 'disable' | 'enable'

interface Order { kind: string; name: string; what: string; by: string; since: string; until: string | null; effective: boolean }

const verbs: Record<Action, string> = { drain: 'Drain', disable: 'Disable', enable: 'Enable' }

export function PoolsView() {
  useLive()
  const [asked, ask] = useState<{ pool: Pool; action: Action } | null>(null)
  const [taken, take] = useState<Order | null>(null)
  const [done, setDone] = useState(0)
  const orders = useAnswer(async (signal) => (await get<{ orders: Order[] }>('/api/v1/orders', {}, signal)).orders, [done, Math.floor(live.at / 10e3)])
  const order = (name: string) => orders.value?.find((o) => o.kind === 'pool' && o.name === name)
  const again = () => { ask(null); take(null); setDone(done + 1) }
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
      {asked && (
        <Question title={`${verbs[asked.action]} ${asked.pool.name}?`} verb={verbs[asked.action]} timed={asked.action !== 'enable'} close={again}
          go={(term) => send('POST', `/api/v1/pools/${encodeURIComponent(asked.pool.name)}/${asked.action}`, asked.action === 'enable' ? undefined : term)}>
          <p>{consequence(asked.pool, asked.action)}</p>
        </Question>
      )}
      <Routes done={done} changed={again} />
      <section>
        <h2>Orders</h2>
        {orders.trouble && <p class="error">{orders.trouble}</p>}
        {orders.value?.length === 0 && <p>None: everything is as the configuration says.</p>}
        <ul class="events">{orders.value?.map((o) => (
          <li key={o.kind + o.name}>{named(o)}: {o.what}, by {o.by}, since {clock(o.since)}{o.until && `, until ${clock(o.until)}`}{!o.effective && ' (without effect: there is no such thing any more)'}{' '}
            <button type="button" aria-label={`Take back: ${named(o)}, ${o.what}`} onClick={() => take(o)}>Take back</button></li>
        ))}</ul>
      </section>
      {taken && <Question title={`Take back: ${named(taken)}, ${taken.what}?`} verb="Take back" close={again} go={() => takeBack(taken)}><p>{after[taken.kind]}</p></Question>}
      <Configured />
    </>
  )
}

/** named says whose an order is. */
const named = (o: Order) => o.name || 'all miners'

/** after says what holds when an order is taken back, by its kind. */
const after: Record<string, string> = {
  weights: 'The weights are those of the configuration and its schedule again: some miners move within minutes, each by a clean job on the connection that it has.',
  pin: "The worker stays where it is, and may be moved again to keep its route's split.",
  pool: 'The pool is used again as the configuration says: if it is the preferred one, miners return to it once it has been healthy for failover.return_after.',
  curtailment: 'Alerts speak of these miners again.',
}

function takeBack(o: Order): Promise<string> {
  const name = encodeURIComponent(o.name)
  switch (o.kind) {
    case 'weights': return send('DELETE', `/api/v1/routes/${name}/weights`)
    case 'pin': return send('DELETE', `/api/v1/workers/${name}/pin`)
    case 'curtailment': return send('DELETE', `/api/v1/curtailments?group=${name}`)
  }
  return send('POST', `/api/v1/pools/${name}/enable`)
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
