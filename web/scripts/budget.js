// States how large the built dashboard may be, and checks it: `node scripts/budget.js [FOLDER]`. Sizes are of gzip, as sent.
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'

const KB = 1000

/** What index.html loads before anything shows: its scripts, what they import at once, and its styles. */
const FIRST = 150 * KB
/** Each file that is loaded by the page that needs it. */
const LATER = 260 * KB
/** All files together. */
const ALL = 700 * KB

const folder = resolve(process.argv[2] ?? 'dist')

function fail(text) {
  process.stderr.write(`${text}\n`)
  process.exit(1)
}

let names
try {
  names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(folder, name)).isFile())
} catch (error) {
  fail(`${folder}: ${error.message}; run \`npm run build\` before`)
}
const page = names.find((name) => name === 'index.html')
if (page === undefined) {
  fail(`${folder} holds no index.html; run \`npm run build\` before`)
}

const loaded = new Set(
  [...readFileSync(join(folder, page), 'utf8').matchAll(/<(?:script|link)\b[^>]*?\b(?:src|href)="\/([^"]+\.(?:js|css))"/g)].map((match) => match[1]),
)
if (loaded.size === 0) {
  fail(`${folder}/index.html loads no script`)
}

const files = names
  .filter((name) => !name.endsWith('.map'))
  .map((name) => ({
    name: name.replaceAll('\\', '/'),
    bytes: statSync(join(folder, name)).size,
    gzip: gzipSync(readFileSync(join(folder, name)), { level: 9 }).length,
  }))
  .map((file) => ({ ...file, first: loaded.has(file.name) }))
  .toSorted((a, b) => Number(b.first) - Number(a.first) || b.gzip - a.gzip)
for (const name of loaded) {
  if (!files.some((file) => file.name === name)) {
    fail(`${folder}/index.html loads ${name}, which is not there`)
  }
}

const total = (some) => some.reduce((sum, file) => sum + file.gzip, 0)
const kilobytes = (bytes) => (bytes / KB).toFixed(1).padStart(8)

const checks = [
  { what: 'loaded first', bytes: total(files.filter((file) => file.first)), most: FIRST },
  ...files.filter((file) => !file.first).map((file) => ({ what: file.name, bytes: file.gzip, most: LATER })),
  { what: 'all together', bytes: total(files), most: ALL },
]
const beyond = checks.filter((check) => check.bytes > check.most)

const lines = ['  kB raw   kB gzip  file']
for (const file of files) {
  lines.push(`${kilobytes(file.bytes)} ${kilobytes(file.gzip)}  ${file.name}${file.first ? ' (first)' : ''}`)
}
lines.push(
  '',
  ' kB gzip   allowed',
  ...checks
    .filter((check) => check.what === 'loaded first' || check.what === 'all together' || check.bytes > check.most)
    .map((check) => `${kilobytes(check.bytes)}  ${kilobytes(check.most)}  ${check.what}${check.bytes > check.most ? ': BEYOND THE BUDGET' : ''}`),
  '',
)
process.stdout.write(lines.join('\n'))
if (beyond.length > 0) {
  fail(`beyond the budget: ${beyond.map((check) => check.what).join(', ')}`)
}
