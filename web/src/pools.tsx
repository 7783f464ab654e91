import { PoolTable } from './farm'
import { useLive } from './hooks'
import { live } from './live'

export function PoolsView() {
  useLive()
  return (
    <>
      <h1 tabIndex={-1}>Pools</h1>
      <PoolTable pools={live.farm!.pools} />
    </>
  )
}
