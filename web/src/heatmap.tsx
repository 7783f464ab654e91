import { useEffect, useRef, useState } from 'preact/hooks'
import { hashrate, percent } from './format'
import { useLive } from './hooks'
import { live, silent, up, type Worker } from './live'

const cell = 14, gap = 2, step = cell + gap

/** Heatmap shows a cell a worker, by groups: the fuller, the closer to its usual hash rate. A cross is a worker that is down. */
export function Heatmap() {
  useLive()
  const groups = new Map<string, Worker[]>()
  for (const w of live.workers.values()) {
    const list = groups.get(w.group)
    if (list) list.push(w)
    else groups.set(w.group, [w])
  }
  if (live.workers.size === 0) return <p>No worker is known yet.</p>
  return (
    <>
      <p class="legend"><span>■ as usual</span><span>▄ less</span><span>✕ down or silent</span><span>The table of workers has the same as text.</span></p>
      {[...groups].sort((a, b) => a[0].localeCompare(b[0], 'en', { numeric: true })).map(([name, list]) => <Group key={name} name={name} list={list} />)}
    </>
  )
}

function Group({ name, list }: { name: string; list: Worker[] }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [width, setWidth] = useState(0)
  const [over, setOver] = useState<Worker | null>(null)
  const sorted = list.sort((a, b) => a.name < b.name ? -1 : 1)
  const columns = Math.max(1, Math.floor(width / step))
  const rows = Math.ceil(sorted.length / columns)
  const working = sorted.filter((w) => w.state === up).length
  useEffect(() => {
    const room = canvas.current!.parentElement!
    const resize = new ResizeObserver(() => setWidth(room.clientWidth))
    resize.observe(room)
    return () => resize.disconnect()
  }, [])
  useEffect(() => {
    const c = canvas.current!, scale = devicePixelRatio || 1
    c.width = columns * step * scale
    c.height = rows * step * scale
    c.style.width = columns * step + 'px'
    c.style.height = rows * step + 'px'
    const g = c.getContext('2d')!
    g.scale(scale, scale)
    const style = getComputedStyle(document.documentElement)
    const [good, less, bad, empty] = ['--good', '--less', '--bad', '--line'].map((v) => style.getPropertyValue(v))
    sorted.forEach((w, i) => {
      const x = (i % columns) * step, y = Math.floor(i / columns) * step
      g.fillStyle = empty
      g.fillRect(x, y, cell, cell)
      if (w.state !== up) {
        g.strokeStyle = bad
        g.lineWidth = 2
        g.beginPath()
        g.moveTo(x + 3, y + 3); g.lineTo(x + cell - 3, y + cell - 3)
        g.moveTo(x + cell - 3, y + 3); g.lineTo(x + 3, y + cell - 3)
        g.stroke()
        return
      }
      const full = w.usual > 0 ? Math.min(1, w.rate / w.usual) : 1
      const height = Math.round(cell * Math.max(0.15, full))
      g.fillStyle = full > 0.8 ? good : less
      g.fillRect(x, y + cell - height, cell, height)
    })
  })
  const at = (e: MouseEvent) => {
    const column = Math.floor(e.offsetX / step), row = Math.floor(e.offsetY / step)
    return column < columns ? sorted[row * columns + column] ?? null : null
  }
  return (
    <div class="group">
      <h3>{name || 'Workers'} <small>{working} of {sorted.length} up</small></h3>
      <div>
        <canvas ref={canvas} role="img" aria-label={`${name || 'Workers'}: ${working} of ${sorted.length} up`}
          onMouseMove={(e) => setOver(at(e))} onMouseLeave={() => setOver(null)}
          onClick={(e) => { const w = at(e); if (w) location.hash = '#/worker/' + encodeURIComponent(w.name) }} />
      </div>
      <p class="hint">{over ? `${over.name}: ${over.state === up ? hashrate(over.rate) : over.state === silent ? 'silent' : 'down'}${over.usual > 0 && over.state === up ? `, ${percent(over.rate / over.usual, 0)} of its usual` : ''}` : '\u00a0'}</p>
    </div>
  )
}
