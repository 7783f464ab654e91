import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { download } from './api'
import { ago, count, hashrate, percent, several, unknown } from './format'
import { useLive } from './hooks'
import { live, silent, up, type Worker } from './live'
import { Spark, useSparks } from './sparks'

type Column = 'name' | 'state' | 'rate' | 'usual' | 'reject' | 'group' | 'pool' | 'since' | 'address' | 'agent'

const columns: [Column, string, string][] = [
  ['name', 'Worker', ''], ['state', 'State', ''], ['rate', 'Hash rate', 'number'], ['usual', 'Of usual', 'number'], ['reject', 'Rejected now', 'number'],
  ['group', 'Group', ''], ['pool', 'Pool', ''], ['since', 'For', 'number'], ['address', 'Address', ''], ['agent', 'Firmware', ''],
]

const words = ['✕ down', '● up', '▲ silent']

const row = 32    // px, as in style.css
const beyond = 40 // rows that are there above and below what is seen, so that no scrolling shows a gap

function key(w: Worker, by: Column): number | string {
  switch (by) {
    case 'usual': return w.usual > 0 ? w.rate / w.usual : -1
    case 'since': return -w.since
    case 'state': return w.state === up ? 2 : w.state === silent ? 1 : 0
    default: return w[by]
  }
}

function compare(a: number | string, b: number | string): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return a < b ? -1 : a > b ? 1 : 0
}

export function WorkersView() {
  useLive()
  const [filter, setFilter] = useState('')
  const [by, setBy] = useState<Column>('name')
  const [back, setBack] = useState(false)
  const [troubled, setTroubled] = useState(false)
  const list = useMemo(() => {
    const words = filter.toLowerCase().split(/\s+/).filter(Boolean)
    const found: Worker[] = []
    for (const w of live.workers.values()) {
      if (troubled && w.state === up) continue
      const text = words.length ? `${w.name} ${w.group} ${w.pool} ${w.address} ${w.agent} ${w.account}`.toLowerCase() : ''
      if (words.every((x) => text.includes(x))) found.push(w)
    }
    const sign = back ? -1 : 1
    return found.sort((a, b) => sign * compare(key(a, by), key(b, by)) || (a.name < b.name ? -1 : 1))
  }, [filter, by, back, troubled, live.tick])
  const [grouped, setGrouped] = useState(false)
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set())
  const rows = useMemo(() => grouped ? byGroup(list, closed) : list, [list, grouped, closed])
  const sum = list.length === live.workers.size ? live.farm!.hashrate : list.reduce((n, w) => n + w.rate, 0) // a worker's rate is told anew only when it differs noticeably
  const sort = (c: Column) => {
    if (c === by) setBack(!back)
    else { setBy(c); setBack(c === 'rate' || c === 'reject') }
  }
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => {
    const slash = (e: KeyboardEvent) => {
      if (e.key === '/' && !(e.target instanceof HTMLInputElement)) { e.preventDefault(); field.current?.focus() }
    }
    addEventListener('keydown', slash)
    return () => removeEventListener('keydown', slash)
  }, [])
  return (
    <>
      <h1 tabIndex={-1}>Workers</h1>
      <form class="filter" role="search" onSubmit={(e) => e.preventDefault()}>
        <label>Filter <input ref={field} type="search" value={filter} placeholder="name, group, pool, address, firmware" onInput={(e) => setFilter((e.target as HTMLInputElement).value)} /></label>
        <label class="check"><input type="checkbox" checked={troubled} onChange={(e) => setTroubled((e.target as HTMLInputElement).checked)} /> only those that are not up</label>
        {list.some((w) => w.group) && <label class="check"><input type="checkbox" checked={grouped} onChange={(e) => setGrouped((e.target as HTMLInputElement).checked)} /> by group</label>}
        <button type="button" onClick={() => download('/api/v1/workers', {}, 'farmproxy-workers.csv')}>CSV</button>
        <button type="button" onClick={() => download('/api/v1/report', { kind: 'worker', from: '-24h' }, 'farmproxy-report.csv')}>CSV of 24 h</button>
      </form>
      <p role="status">{several(list.length, 'worker')}, {count(list.filter((w) => w.state === up).length)} up, {hashrate(sum)}</p>
      <Table rows={rows} by={by} back={back} sort={sort} toggle={(group) => {
        const next = new Set(closed)
        if (!next.delete(group)) next.add(group)
        setClosed(next)
      }} />
    </>
  )
}

/** Heading is the row above a group's workers. */
interface Heading { group: string; workers: number; up: number; rate: number; open: boolean }

/** byGroup puts a heading above each group's workers, which keep their order; those of closed groups are left out. */
function byGroup(list: Worker[], closed: ReadonlySet<string>): (Worker | Heading)[] {
  const groups = new Map<string, Worker[]>()
  for (const w of list) {
    const of = groups.get(w.group)
    if (of) of.push(w)
    else groups.set(w.group, [w])
  }
  return [...groups].sort((a, b) => a[0].localeCompare(b[0], 'en', { numeric: true })).flatMap(([group, of]) => {
    const open = !closed.has(group)
    const heading = { group, workers: of.length, up: of.filter((w) => w.state === up).length, rate: of.reduce((n, w) => n + w.rate, 0), open }
    return open ? [heading, ...of] : [heading]
  })
}

const isWorker = (r: Worker | Heading): r is Worker => 'id' in r

interface TableProps { rows: (Worker | Heading)[]; by: Column; back: boolean; sort: (c: Column) => void; toggle: (group: string) => void }

function Table({ rows, by, back, sort, toggle }: TableProps) {
  const box = useRef<HTMLDivElement>(null)
  const [top, setTop] = useState(0)
  const [height, setHeight] = useState(800)
  useLayoutEffect(() => {
    const seen = box.current!
    const resize = new ResizeObserver(() => setHeight(seen.clientHeight))
    resize.observe(seen)
    return () => resize.disconnect()
  }, [])
  const from = Math.floor(top / row), to = Math.ceil((top + height) / row)
  const first = Math.max(0, Math.min(from, rows.length) - beyond)
  const last = Math.min(rows.length, to + beyond)
  const spark = useSparks(live.farm!.remembers ? rows.slice(from, to + 1).filter(isWorker).map((w) => w.name) : [])
  return (
    <div class="scroll tall" ref={box} tabIndex={0} role="region" aria-label="Table of workers" onScroll={(e) => setTop((e.currentTarget as HTMLElement).scrollTop)}>
      <table aria-rowcount={rows.length + 1} class="fixed">
        <thead><tr>
          {columns.map(([c, name, kind]) => (
            <th key={c} scope="col" class={kind + ' ' + c} aria-sort={c === by ? (back ? 'descending' : 'ascending') : 'none'}>
              <button type="button" onClick={() => sort(c)}>{name}{c === by ? (back ? ' ▼' : ' ▲') : ''}</button>
            </th>
          ))}
          <th scope="col" class="day">24 h</th>
        </tr></thead>
        <tbody>
          {first > 0 && <tr aria-hidden="true" class="space" style={{ height: first * row + 'px' }}><td colSpan={columns.length + 1} /></tr>}
          {rows.slice(first, last).map((r, i) => isWorker(r) ? <Row key={r.id} w={r} index={first + i + 2} rates={spark(r.name)} /> : <HeadingRow key={'group ' + r.group} h={r} index={first + i + 2} toggle={toggle} />)}
          {last < rows.length && <tr aria-hidden="true" class="space" style={{ height: (rows.length - last) * row + 'px' }}><td colSpan={columns.length + 1} /></tr>}
        </tbody>
      </table>
    </div>
  )
}

function HeadingRow({ h, index, toggle }: { h: Heading; index: number; toggle: (group: string) => void }) {
  return (
    <tr aria-rowindex={index} class="heading">
      <th scope="rowgroup" colSpan={columns.length + 1}>
        <button type="button" aria-expanded={h.open} onClick={() => toggle(h.group)}>{h.open ? '▾' : '▸'} {h.group || 'no group'}</button>
        {count(h.up)} of {count(h.workers)} up, {hashrate(h.rate)}
      </th>
    </tr>
  )
}

function Row({ w, index, rates }: { w: Worker; index: number; rates?: number[] }) {
  return (
    <tr aria-rowindex={index}>
      <th scope="row"><a href={'#/worker/' + encodeURIComponent(w.name)}>{w.name}</a></th>
      <td class={w.state === up ? '' : 'bad'}>{words[w.state]}</td>
      <td class="number">{hashrate(w.rate)}</td>
      <td class="number">{w.usual > 0 ? percent(w.rate / w.usual, 0) : unknown}</td>
      <td class="number">{percent(w.reject / 1000)}</td>
      <td>{w.group}</td>
      <td>{w.pool}</td>
      <td class="number">{w.since ? ago(live.at - w.since * 1000) : 'never seen'}</td>
      <td>{w.address.replace(/:\d+$/, '')}</td>
      <td>{w.agent}</td>
      <td><Spark rates={rates} /></td>
    </tr>
  )
}
