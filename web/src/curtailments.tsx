import { useState } from 'preact/hooks'
import { get } from './api'
import { clock } from './format'
import { useAnswer } from './hooks'
import { live } from './live'
import { OrderDialog } from './question'

interface Curtailment { group: string; from: string; until: string | null; by: string; reason: string }

const path = '/api/v1/curtailments'

/** Curtailments say which miners are off on purpose: no alert speaks of them. */
export function Curtailments() {
  const [done, setDone] = useState(0)
  const [asked, ask] = useState<'begin' | Curtailment | null>(null)
  const { value, trouble } = useAnswer(async (signal) => (await get<{ curtailments: Curtailment[] }>(path, {}, signal)).curtailments, [done])
  const close = () => { ask(null); setDone(done + 1) }
  const groups = [...new Set([...live.workers.values()].map((w) => w.group))].filter((g) => g).sort()
  return (
    <section>
      <h2>Off on purpose</h2>
      <p>No alert speaks of miners that are curtailed. farmproxy switches none off.</p>
      {trouble && <p class="error">{trouble}</p>}
      <ul class="events">{value?.map((c) => (
        <li key={c.group}>{c.group || 'all miners'}: from {clock(c.from)}{c.until ? ` until ${clock(c.until)}` : ', until it is taken back'}, by {c.by}{c.reason && ': ' + c.reason}{' '}
          <button type="button" aria-label={`End the curtailment of ${c.group || 'all miners'}`} onClick={() => ask(c)}>End</button></li>
      ))}</ul>
      <p><button type="button" onClick={() => ask('begin')}>Curtail</button></p>
      {asked === 'begin' && (
        <OrderDialog title="Curtail" verb="Curtail" timed close={close} order={(term, form) => ({ method: 'POST', path, body: { ...term, group: form.get('group'), reason: form.get('reason') } })}>
          <div class="keys">
            <label for="curtail-group">Group</label><select id="curtail-group" name="group"><option value="">all miners</option>{groups.map((g) => <option key={g}>{g}</option>)}</select>
            <label for="curtail-reason">Reason</label><input id="curtail-reason" name="reason" autocomplete="off" />
          </div>
        </OrderDialog>
      )}
      {asked && asked !== 'begin' && (
        <OrderDialog title={`End the curtailment of ${asked.group || 'all miners'}?`} verb="End it" close={close} order={() => ({ method: 'DELETE', path, query: { group: asked.group } })} />
      )}
    </section>
  )
}
