import { useState } from 'preact/hooks'
import { download, get } from './api'
import { several } from './format'
import { useAnswer, useLive } from './hooks'
import { live } from './live'
import { Time } from './time'

interface Event { time: string; kind: string; subject: string; text: string }

const spans: [string, string][] = [['24 h', '-24h'], ['7 d', '-168h'], ['90 d', '-2160h']]

export function EventsView() {
  useLive()
  const [span, setSpan] = useState(0)
  const [filter, setFilter] = useState('')
  const from = spans[span][1]
  const { value, trouble } = useAnswer(async (signal) => (await get<{ events: Event[] }>('/api/v1/events', { from, limit: '5000' }, signal)).events, [span, Math.floor(live.at / 60e3)])
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean)
  const list = (value ?? []).filter((e) => { const t = `${e.kind.replaceAll('_', ' ')} ${e.subject} ${e.text}`.toLowerCase(); return words.every((w) => t.includes(w)) })
  return (
    <>
      <h1 tabIndex={-1}>Events</h1>
      <form class="filter" role="search" onSubmit={(e) => e.preventDefault()}>
        <label>Filter <input type="search" value={filter} onInput={(e) => setFilter((e.target as HTMLInputElement).value)} /></label>
        <div class="choice" role="group" aria-label="Time">{spans.map(([name], i) => <button key={name} type="button" aria-pressed={i === span} onClick={() => setSpan(i)}>{name}</button>)}</div>
        <button type="button" onClick={() => download('/api/v1/events', { from, limit: '10000' }, 'farmproxy-events.csv')}>CSV</button>
      </form>
      {trouble && <p class="error">{trouble}</p>}
      {value && <p role="status">{several(list.length, 'event')}</p>}
      <ul class="events">{list.slice(0, 1000).map((e, i) => (
        <li key={i}><Time ms={Date.parse(e.time)} /> {e.kind.replaceAll('_', ' ')} {e.kind.startsWith('worker') ? <a href={'#/worker/' + encodeURIComponent(e.subject)}>{e.subject}</a> : e.subject}{e.text && ': ' + e.text}</li>
      ))}</ul>
    </>
  )
}
