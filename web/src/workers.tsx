import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { download } from './api'
import { ago, count, hashrate, percent } from './format'
import { useLive } from './hooks'
import { live, silent, up, type Worker } from './live'

type Column = 'name' | 'state' | 'rate' | 'usual' | 'reject' | 'group' | 'pool' | 'since' | 'address' | 'agent'

const columns: [Column, string, string][] = [
  ['name', 'Worker', ''], ['state', 'State', ''], ['rate', 'Hash rate', 'number'], ['usual', 'Of usual', 'number'], ['reject', 'Rejected', 'number'],
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
  const sum = list.reduce((n, w) => n + w.rate, 0)
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
        <button type="button" onClick={() => download('/api/v1/report', { kind: 'worker', from: '-24h' }, 'farmproxy-workers.csv')}>CSV of 24 h</button>
      </form>
      <p role="status">{count(list.length)} workers, {count(list.filter((w) => w.state === up).length)} up, {hashrate(sum)}</p>
      <Table list={list} by={by} back={back} sort={sort} />
    </>
  )
}

function Table({ list, by, back, sort }: { list: Worker[]; by: Column; back: boolean; sort: (c: Column) => void }) {
  const box = useRef<HTMLDivElement>(null)
  const [top, setTop] = useState(0)
  const [height, setHeight] = useState(800)
  useLayoutEffect(() => {
    const seen = box.current!
    const resize = new ResizeObserver(() => setHeight(seen.clientHeight))
    resize.observe(seen)
    return () => resize.disconnect()
  }, [])
  const first = Math.max(0, Math.min(Math.floor(top / row), list.length) - beyond)
  const last = Math.min(list.length, Math.ceil((top + height) / row) + beyond)
  return (
    <div class="scroll tall" ref={box} tabIndex={0} role="region" aria-label="Table of workers" onScroll={(e) => setTop((e.currentTarget as HTMLElement).scrollTop)}>
      <table aria-rowcount={list.length + 1} class="fixed">
        <thead><tr>
          {columns.map(([c, name, kind]) => (
            <th key={c} scope="col" class={kind + ' ' + c} aria-sort={c === by ? (back ? 'descending' : 'ascending') : 'none'}>
              <button type="button" onClick={() => sort(c)}>{name}{c === by ? (back ? ' ▼' : ' ▲') : ''}</button>
            </th>
          ))}
        </tr></thead>
        <tbody>
          {first > 0 && <tr aria-hidden="true" class="space" style={{ height: first * row + 'px' }}><td colSpan={columns.length} /></tr>}
          {list.slice(first, last).map((w, i) => <Row key={w.id} w={w} index={first + i + 2} />)}
          {last < list.length && <tr aria-hidden="true" class="space" style={{ height: (list.length - last) * row + 'px' }}><td colSpan={columns.length} /></tr>}
        </tbody>
      </table>
    </div>
  )
}

function Row({ w, index }: { w: Worker; index: number }) {
  return (
    <tr aria-rowindex={index}>
      <th scope="row"><a href={'#/worker/' + encodeURIComponent(w.name)}>{w.name}</a></th>
      <td class={w.state === up ? '' : 'bad'}>{words[w.state]}</td>
      <td class="number">{hashrate(w.rate)}</td>
      <td class="number">{w.usual > 0 ? percent(w.rate / w.usual, 0) : '–'}</td>
      <td class="number">{percent(w.reject / 1000)}</td>
      <td>{w.group}</td>
      <td>{w.pool}</td>
      <td class="number">{w.since ? ago(live.at - w.since * 1000) : 'never seen'}</td>
      <td>{w.address.replace(/:\d+$/, '')}</td>
      <td>{w.agent}</td>
    </tr>
  )
}
