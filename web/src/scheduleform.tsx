import { Field } from './field'
import { live } from './live'
import { moved, period, type Period, type Problem } from './overlay'

const zones = 'zones'

/** Zones are the time zones that a browser knows, as suggestions for each ScheduleForm. */
export const Zones = () => <datalist id={zones}>{Intl.supportedValuesOf('timeZone').map((z) => <option key={z} value={z} />)}</datalist>

interface Scheduled {
  goal: string // what it is called
  path: string // the key of the schedule, as problems have it
  periods: Period[]
  set: (periods: Period[]) => void
  problems: Problem[] // of any key
}

/** ScheduleForm are the periods in which a goal has another weight. */
export function ScheduleForm({ goal, path, periods, set, problems }: Scheduled) {
  return (
    <>
      {periods.map((p, i) => {
        const name = `schedule ${i + 1} of ${goal}`
        const field = (key: keyof Period, hint: string, list?: string) => (
          <Field name={key} id={`${path}-${i}-${key}`} hint={hint} list={list} value={String(p[key])} set={(v) => set(periods.map((o, j) => i === j ? { ...o, [key]: v } : o))}
            problems={problems.filter((q) => q.key === keyOf(path, i, key))} />
        )
        return (
          <fieldset key={i}>
            <legend>{p.from && p.to ? period(p) : name}</legend>
            <div class="fields">
              {field('days', 'mon-fri, or sat,sun; left empty: every day')}
              {field('zone', `such as Europe/Berlin; left empty: the farm's${live.zone && ', ' + live.zone}`, zones)}
              {field('from', 'a time of day, such as 22:00')}
              {field('to', 'on the next day, if it is not later')}
              {field('weight', 'of the goal at that time')}
            </div>
            <span class="choice">
              {i > 0 && <button type="button" aria-label={`Prefer ${name} more`} onClick={() => set(moved(periods, i, i - 1))}>↑</button>}
              <button type="button" onClick={() => set(periods.filter((_, j) => j !== i))}>Remove {name}</button>
            </span>
          </fieldset>
        )
      })}
      {periods.length > 1 && <small>Of several that are in force, the first counts.</small>}
      <span><button type="button" onClick={() => set([...periods, { days: '', from: '', to: '', zone: '', weight: '' }])}>Add a schedule to {goal}</button></span>
    </>
  )
}

/** shows reports whether a ScheduleForm of a schedule with this path shows a problem beside its field. */
export const shows = (path: string, periods: Period[], p: Problem) => periods.some((o, i) => (Object.keys(o) as (keyof Period)[]).some((key) => p.key === keyOf(path, i, key)))

const keyOf = (path: string, i: number, key: string) => `${path}[${i + 1}].${key}`

/** finished returns periods as farmproxy takes them, which refuses a weight that is missing or no number. */
export const finished = (periods: Period[]): Period[] => periods.map(({ days, from, to, zone, weight }) => (
  { days: days.trim(), from: from.trim(), to: to.trim(), zone: zone.trim(), weight: figure(String(weight).trim()) }
))

const figure = (text: string) => text === '' ? null : isNaN(Number(text)) ? text : Number(text)
