// Figures are written as package plain writes them: its cases are read here, too.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runnerImport } from 'vite'

const root = fileURLToPath(new URL('..', import.meta.url))

test('figures are written as in the terminal', async () => {
  const { module: f } = await runnerImport('/src/format.ts', { root, configFile: false, logLevel: 'error' })
  const writers = {
    hashrate: f.hashrate, difficulty: f.difficulty, seconds: f.seconds, count: f.count, number: f.number,
    'percent 0': (v) => f.percent(v, 0), 'percent 1': (v) => f.percent(v), 'percent 2': (v) => f.percent(v, 2),
    age: (v) => f.ago(v * 1000), 'several miner': (v) => f.several(v, 'miner'),
  }
  const cases = JSON.parse(readFileSync(new URL('../../plain/testdata/figures.json', import.meta.url)))
  const wrong = []
  for (const { of, value, text } of cases) {
    assert.ok(writers[of], `${of}: there is no such figure`)
    const got = writers[of](value)
    if (got !== text) wrong.push(`${of} of ${value}: ${got}, want ${text}`)
  }
  assert.deepEqual(wrong, [])
  assert.deepEqual(Object.keys(writers).filter((name) => !cases.some((c) => c.of === name)), [], 'no case of these')
})
