import { useEffect, useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks'
import { watch } from './live'

/**
 * useLive renders a component anew after each event. It listens as soon as the component is
 * there: a tab in the background is painted late, and what came before would be missed.
 */
export function useLive() {
  const [, again] = useReducer((n: number) => n + 1, 0)
  useLayoutEffect(() => watch(() => again(undefined)), [])
}

/** useRoute returns the parts of the address after #/, without escapes. */
export function useRoute(): string[] {
  const read = () => location.hash.replace(/^#\/?/, '').split('/').map(decodeURIComponent)
  const [route, set] = useState(read)
  useLayoutEffect(() => {
    const changed = () => set(read())
    addEventListener('hashchange', changed)
    return () => removeEventListener('hashchange', changed)
  }, [])
  return route
}

/** useAnswer asks once for each set of deps, and returns the answer, or why there is none. An answer stays until the next one is there. */
export function useAnswer<T>(load: (signal: AbortSignal) => Promise<T>, deps: unknown[]): { value?: T; trouble?: string } {
  const [state, set] = useState<{ value?: T; trouble?: string }>({})
  useEffect(() => {
    const gone = new AbortController()
    load(gone.signal).then((value) => set({ value }), (e) => { if (!gone.signal.aborted) set({ trouble: e.message }) })
    return () => gone.abort()
  }, deps)
  return state
}

/** useKept returns the last value that there was, so that a form stays open while farmproxy does not answer. */
export function useKept<T>(value: T | undefined): T | undefined {
  const last = useRef(value)
  if (value !== undefined) last.current = value
  return last.current
}
