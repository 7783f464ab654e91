import { clock, farmClock } from './format'
import { live } from './live'

/** Time shows a time in the viewer's zone, and the farm's beside it where they differ. */
export function Time({ ms }: { ms: number }) {
  return <time dateTime={new Date(ms).toISOString()}>{clock(ms)}{elsewhere(ms) && <small> ({farmClock(ms, live.offset)} at the farm)</small>}</time>
}

/** elsewhere reports whether the farm's clock shows another time than the viewer's. */
export const elsewhere = (ms: number) => live.zone !== '' && -new Date(ms).getTimezoneOffset() * 60 !== live.offset
