import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { hashrate } from './format'

export interface Series { name: string; points: { time: string; hashrate: number }[] }

/** times are how the axis of time is labelled: the least step in s, the label, and what is below it where a year or a day begins. */
const times: uPlot.Axis.Values = [
  [86400 * 28, '{MMM}', '\n{YYYY}', null, null, null, null, null, 1],
  [86400, '{D} {MMM}', '\n{YYYY}', null, null, null, null, null, 1],
  [60, '{HH}:{mm}', '\n{D} {MMM}', null, '\n{D} {MMM}', null, null, null, 1],
]

/** steps draws a line that stays until the next point. */
const steps = uPlot.paths.stepped!({ align: 1 })

/** colours of series, by their order: readable on both backgrounds. */
const colours = ['#2f81f7', '#d29922', '#3fb950', '#db61a2', '#a371f7', '#f0883e', '#39c5cf', '#8b949e']

/** Chart shows the hash rates of the last hours, one series on top of the other; or what else show makes texts of, in steps. */
export function Chart({ series, label, hours, show }: { series: Series[]; label: string; hours: number; show?: (v: number) => string }) {
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const room = box.current!
    const at = [...new Set(series.flatMap((s) => s.points.map((p) => Date.parse(p.time) / 1000)))].sort((a, b) => a - b)
    const place = new Map(at.map((t, i) => [t, i]))
    const rows = series.map((s) => {
      const row = new Array<number>(at.length).fill(0)
      for (const p of s.points) row[place.get(Date.parse(p.time) / 1000)!] = p.hashrate
      return row
    })
    for (let i = 1; i < rows.length; i++) rows[i].forEach((_, j) => { rows[i][j] += rows[i - 1][j] })
    // From the top down, so that a series of nothing does not hide the line of the one below it.
    const order = rows.map((_, i) => rows.length - 1 - i), drawn = (i: number) => rows.length - i
    const style = getComputedStyle(document.documentElement)
    const text = style.getPropertyValue('--text'), line = style.getPropertyValue('--line')
    const axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } }
    const width = () => Math.max(280, room.clientWidth)
    const plot = new uPlot({
      width: width(), height: 240,
      legend: { show: false },
      cursor: { drag: { x: false, y: false } },
      scales: { x: { range: () => [Date.now() / 1000 - hours * 3600, Date.now() / 1000] }, y: { range: (_, __, max) => [0, max > 0 ? max * 1.05 : 1] } },
      axes: [{ ...axis, values: times }, { ...axis, size: 84, values: (_, ticks) => ticks.map((v) => v === 0 ? '0' : (show ?? hashrate)(v)) }],
      series: [{}, ...order.map((i) => ({
        paths: show && steps, label: series[i].name, stroke: colours[i % colours.length], width: 1.5, fill: colours[i % colours.length] + (i === 0 ? '33' : '00'), points: { show: false },
      }))],
      bands: rows.slice(1).map((_, i) => ({ series: [drawn(i + 1), drawn(i)] as [number, number], fill: colours[(i + 1) % colours.length] + '33' })),
    }, [at, ...order.map((i) => rows[i])] as uPlot.AlignedData, room)
    const resize = new ResizeObserver(() => plot.setSize({ width: width(), height: 240 }))
    resize.observe(room)
    return () => { resize.disconnect(); plot.destroy() }
  }, [series])
  return (
    <figure>
      <div ref={box} role="img" aria-label={label} />
      {series.length > 1 && (
        <figcaption class="legend">
          {series.map((s, i) => <span key={s.name}><svg width="12" height="12" aria-hidden="true"><rect width="12" height="12" fill={colours[i % colours.length]} /></svg> {s.name}</span>)}
        </figcaption>
      )}
    </figure>
  )
}
