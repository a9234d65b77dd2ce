// The real program, and the places that the tests of one run share.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

/** The program that is tested: PODTRAIL_BIN, or that of the last build. */
export function binary(): string {
  const path = resolve(process.env.PODTRAIL_BIN ?? '../target/debug/podtrail')
  if (!existsSync(path)) {
    throw new Error(`${path} is not there: build podtrail, or name it in PODTRAIL_BIN`)
  }
  return path
}

/** Settings of the machine must not change what is tested. */
export function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('PODTRAIL_') || name === 'PODTRAIL_LOG')
  return { ...Object.fromEntries(kept), NO_PROXY: '127.0.0.1,localhost' }
}

/** Runs the program to its end and gives its standard output. */
export async function run(folder: string, args: string[]): Promise<string> {
  const child = spawn(binary(), args, { cwd: folder, env: environment(), stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let log = ''
  child.stdout.on('data', (part: Buffer) => (out += part.toString()))
  child.stderr.on('data', (part: Buffer) => (log += part.toString()))
  const code = await new Promise<number | null>((done, failed) => {
    child.on('error', failed)
    child.on('close', done)
  })
  if (code !== 0) {
    throw new Error(`podtrail ${args.join(' ')} ended with ${code}: ${log}`)
  }
  return out
}
