// Writes dist/sources: the hash of each file that the page is built from. A Go test
// compares them, so that nobody changes the source and forgets to build.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

const files = ['index.html', 'package-lock.json', 'package.json', 'tsconfig.json', 'vite.config.js',
  ...readdirSync('src').map((name) => 'src/' + name)].sort()
const lines = files.map((name) => createHash('sha256').update(readFileSync(name)).digest('hex') + '  ' + name)
writeFileSync('dist/sources', lines.join('\n') + '\n')
