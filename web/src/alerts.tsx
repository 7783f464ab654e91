import { useState } from 'preact/hooks'
import { get, send } from './api'
import { Curtailments } from './curtailments'
import { clock, count, seconds } from './format'
import { useAnswer, useKept, useLive } from './hooks'
import { live } from './live'
import { message, open } from './question'

interface Alert { rule: string; subject: string; state: 'pending' | 'firing' | 'resolved'; severity: 'page' | 'ticket'; since: string; until: string | null; text: string; do: string }
interface Channel { name: string; kind: string; gets: string[]; waiting: number; sent: number; failed: number; lost: number; last_sent: string | null; failing_since: string | null; error: string }
interface Alerts { alerts: Alert[]; looked_at: string | null; cut_off_since: string | null; channels: Channel[] }
interface Result { channel: string; kind: string; sent: boolean; error: string; seconds: number }

export function AlertsView() {
  useLive()
  const [done, setDone] = useState(0)
  const { value, trouble } = useAnswer((signal) => get<Alerts>('/api/v1/alerts', {}, signal), [done, Math.floor(live.at / 10e3)])
  const last = useKept(value)
  return (
    <>
      <h1 tabIndex={-1}>Alerts</h1>
      {trouble && <p class="error">{trouble}</p>}
      {last && <>
        {last.cut_off_since && <p class="bad">Neither a pool nor a channel can be reached since {clock(last.cut_off_since)}: messages wait.</p>}
        <AlertList alerts={last.alerts} looked={last.looked_at !== null} />
        <Curtailments />
        <Channels channels={last.channels} done={() => setDone(done + 1)} />
      </>}
    </>
  )
}

const states = { firing: 'Firing', pending: 'Pending', resolved: 'Resolved' }

/** dated are the rules whose texts say since when. */
const dated = ['group_down', 'workers_down']

function sentence(a: Alert): string {
  if (a.until) return `${a.text} (since ${clock(a.since)} until ${clock(a.until)})`
  return dated.includes(a.rule) ? a.text : `${a.text} (since ${clock(a.since)})`
}

function AlertList({ alerts, looked }: { alerts: Alert[]; looked: boolean }) {
  if (alerts.length === 0) return <p role="status">{looked ? 'Nothing is wrong.' : 'farmproxy has just started, and has not looked for trouble yet.'}</p>
  return (
    <ul class="events">{alerts.map((a) => (
      <li key={a.rule + a.subject}>
        <strong class={a.state === 'firing' ? 'bad' : undefined}>{states[a.state]}{a.state === 'firing' && (a.severity === 'page' ? ', page: look now' : ', ticket: look today')}</strong>{' '}
        {sentence(a)}{a.state !== 'resolved' && <><br />{a.do}</>}
      </li>
    ))}</ul>
  )
}

/** health says how a channel does. */
function health(c: Channel): string {
  if (c.error) return `failing${c.failing_since ? ' since ' + clock(c.failing_since) : ''}: ${c.error}`
  return c.last_sent ? 'last sent ' + clock(c.last_sent) : 'nothing sent yet'
}

function Channels({ channels, done }: { channels: Channel[]; done: () => void }) {
  const [asked, ask] = useState<Channel[] | null>(null)
  return (
    <section>
      <h2>Channels</h2>
      {channels.length === 0 ? <p>Nobody is told: the configuration has no [[alerts.channel]].</p> : <>
        <div class="scroll" tabIndex={0} role="region" aria-label="Channels"><table>
          <thead><tr><th scope="col">Channel</th><th scope="col">Kind</th><th scope="col">Gets</th><th scope="col">Waiting</th><th scope="col">Sent</th><th scope="col">Lost</th><th scope="col">State</th><th scope="col">Test</th></tr></thead>
          <tbody>{channels.map((c) => (
            <tr key={c.name}>
              <th scope="row">{c.name}</th><td>{c.kind}</td><td>{c.gets.join(', ')}</td><td>{count(c.waiting)}</td><td>{count(c.sent)}</td><td>{count(c.lost)}</td>
              <td class={c.error ? 'bad wraps' : 'wraps'}>{health(c)}</td>
              <td><button type="button" aria-label={'Test ' + c.name} onClick={() => ask([c])}>Test</button></td>
            </tr>
          ))}</tbody>
        </table></div>
        {channels.length > 1 && <p><button type="button" onClick={() => ask(channels)}>Test all</button></p>}
      </>}
      {asked && <Test channels={asked} all={asked.length === channels.length} close={() => { ask(null); done() }} />}
    </section>
  )
}

/** Test asks before it sends, and says what became of it. */
function Test({ channels, all, close }: { channels: Channel[]; all: boolean; close: () => void }) {
  const [state, setState] = useState<{ busy?: boolean; trouble?: string; results?: Result[] }>({})
  const go = async () => {
    setState({ busy: true })
    try {
      setState({ results: JSON.parse(await send('POST', '/api/v1/alerts/test', all ? {} : { channel: channels[0].name })).results })
    } catch (e) {
      setState({ trouble: message(e) })
    }
  }
  const names = channels.map((c) => `${c.name} (${c.kind})`).join(', ')
  return (
    <dialog ref={open} aria-labelledby="question" onClose={close}>
      <h2 id="question">Send a test?</h2>
      <p>A test message goes to {names} now, past those that wait. Whoever is behind it gets it.</p>
      {state.busy && <p role="status">Sending: up to half a minute</p>}
      {state.trouble && <p class="error" role="alert">{state.trouble}</p>}
      {state.results && <ul role="status">{state.results.map((r) => (
        <li key={r.channel} class={r.sent ? undefined : 'error'}>{r.channel}: {r.sent ? `sent, ${seconds(r.seconds)}` : `not sent: ${r.error}`}</li>
      ))}</ul>}
      <p class="choice">
        {!state.results && <button type="button" disabled={state.busy} onClick={go}>Send</button>}
        <button type="button" autofocus onClick={close}>{state.results ? 'Close' : 'Cancel'}</button>
      </p>
    </dialog>
  )
}
