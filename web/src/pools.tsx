import { useState } from 'preact/hooks'
import { get } from './api'
import { Configured } from './configured'
import { PoolTable } from './farm'
import { clock } from './format'
import { useAnswer, useLive } from './hooks'
import { live, type Pool } from './live'
import { OrderDialog, type Order } from './question'
import { Routes } from './routes'

type Action = 'drain' | 'disable' | 'enable'

interface Given { kind: string; name: string; what: string; by: string; since: string; until: string | null; effective: boolean }

const verbs: Record<Action, string> = { drain: 'Drain', disable: 'Disable', enable: 'Enable' }

export function PoolsView() {
  useLive()
  const [asked, ask] = useState<{ pool: Pool; action: Action } | null>(null)
  const [taken, take] = useState<Given | null>(null)
  const [done, setDone] = useState(0)
  const orders = useAnswer(async (signal) => (await get<{ orders: Given[] }>('/api/v1/orders', {}, signal)).orders, [done, Math.floor(live.at / 10e3)])
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
        <OrderDialog title={`${verbs[asked.action]} ${asked.pool.name}?`} verb={verbs[asked.action]} timed={asked.action !== 'enable'} close={again}
          order={(term) => ({ method: 'POST', path: `/api/v1/pools/${encodeURIComponent(asked.pool.name)}/${asked.action}`, body: asked.action === 'enable' ? undefined : term })} />
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
      {taken && <OrderDialog title={`Take back: ${named(taken)}, ${taken.what}?`} verb="Take back" close={again} order={() => takeBack(taken)} />}
      <Configured />
    </>
  )
}

/** named says whose an order is. */
const named = (o: Given) => o.name || 'all miners'

function takeBack(o: Given): Order {
  const name = encodeURIComponent(o.name)
  switch (o.kind) {
    case 'weights': return { method: 'DELETE', path: `/api/v1/routes/${name}/weights` }
    case 'pin': return { method: 'DELETE', path: `/api/v1/workers/${name}/pin` }
    case 'curtailment': return { method: 'DELETE', path: '/api/v1/curtailments', query: { group: o.name } }
  }
  return { method: 'POST', path: `/api/v1/pools/${name}/enable` }
}
