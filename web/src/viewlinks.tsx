import { useState } from 'preact/hooks'
import { get } from './api'
import { clock } from './format'
import { useAnswer } from './hooks'
import { OrderDialog } from './question'

interface ViewLink { name: string; by: string; since: string; until: string | null; last_opened: string | null }

const path = '/api/v1/view-links'

/** ViewLinks are the links with which others look at the page. */
export function ViewLinks() {
  const [done, setDone] = useState(0)
  const [asked, ask] = useState<'create' | ViewLink | null>(null)
  const [made, setMade] = useState<{ name: string; address: string } | null>(null)
  const { value: links, trouble } = useAnswer(async (signal) => (await get<{ view_links: ViewLink[] }>(path, {}, signal)).view_links, [done])
  const close = () => { ask(null); setDone(done + 1) }
  const created = (answer: string) => {
    const l = JSON.parse(answer) as { name: string; path: string }
    setMade({ name: l.name, address: location.origin + l.path })
  }
  return (
    <section>
      <h2>View links</h2>
      <p>Whoever opens one sees the page and changes nothing.</p>
      {trouble && <p class="error">{trouble}</p>}
      <ul class="events">{links?.map((l) => (
        <li key={l.name}>{l.name}: made by {l.by}, {clock(l.since)}{l.until ? `, until ${clock(l.until)}` : ', until it is revoked'}{l.last_opened ? `, last opened ${clock(l.last_opened)}` : ', not opened since farmproxy started'}{' '}
          <button type="button" aria-label={`Revoke ${l.name}`} onClick={() => ask(l)}>Revoke</button></li>
      ))}</ul>
      <p><button type="button" onClick={() => ask('create')}>Make a view link</button></p>
      {made && <div class="keys"><label for="made">The link {made.name}. It is shown only now: copy it.</label><input id="made" readOnly value={made.address} onFocus={(e) => e.currentTarget.select()} /></div>}
      {asked === 'create' && (
        <OrderDialog title="Make a view link" verb="Make it" timed close={close} given={created}
          order={(term, form) => ({ method: 'POST', path, body: { ...term, name: (form.get('name') as string).trim() } })}>
          <div class="keys"><label for="link-name">Name</label><input id="link-name" name="name" required autocomplete="off" /></div>
        </OrderDialog>
      )}
      {asked && asked !== 'create' && <OrderDialog title={`Revoke ${asked.name}?`} verb="Revoke" close={close} order={() => ({ method: 'DELETE', path: path + '/' + encodeURIComponent(asked.name) })} />}
    </section>
  )
}
