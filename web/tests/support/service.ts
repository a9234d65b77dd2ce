// `podtrail serve` as a process of its own.
import { spawn, type ChildProcess } from 'node:child_process'
import { binary, environment } from './program'

/** How long is waited for what has to come. */
const PATIENCE_MS = 90_000
const LOOK_MS = 50

/** What the service says when it listens. */
const GREETING = /^podtrail serves (http:\/\/\S+)$/m

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) {
    child.kill('SIGKILL')
  }
})

/** Looks again and again until there is something. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + PATIENCE_MS
  for (;;) {
    // One look after the other: this is waiting.
    // oxlint-disable-next-line no-await-in-loop
    const found = await look()
    if (found !== undefined) {
      return found
    }
    if (Date.now() > end) {
      throw new Error(`never came: ${what}`)
    }
    // oxlint-disable-next-line no-await-in-loop
    await new Promise((next) => setTimeout(next, LOOK_MS))
  }
}

export class Service {
  /** Scheme, host and port. */
  readonly address: string
  #child: ChildProcess
  readonly #arguments: string[]
  readonly #folder: string

  private constructor(child: ChildProcess, address: string, folder: string, args: string[]) {
    this.#child = child
    this.address = address
    this.#folder = folder
    this.#arguments = args
  }

  /** Starts it in a folder, on a free port, and waits until it can answer. */
  static async start(folder: string, args: string[]): Promise<Service> {
    const { child, address } = await launch(folder, [...args, '--listen', '127.0.0.1:0'])
    return new Service(child, address, folder, args)
  }

  /** Ends it, and waits for its end. */
  async stop(): Promise<void> {
    const child = this.#child
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((done) => child.on('close', done))
      child.kill('SIGTERM')
      // Open connections of a page could hold it for longer than a test has.
      const hurry = setTimeout(() => child.kill('SIGKILL'), 5_000)
      await ended
      clearTimeout(hurry)
    }
    running.delete(child)
  }

  /** Starts it again where it was. */
  async again(): Promise<void> {
    this.#child = (await launch(this.#folder, [...this.#arguments, '--listen', new URL(this.address).host])).child
  }
}

async function launch(folder: string, args: string[]): Promise<{ child: ChildProcess; address: string }> {
  const child = spawn(binary(), ['serve', ...args], { cwd: folder, env: environment(), stdio: ['ignore', 'ignore', 'pipe'] })
  running.add(child)
  let log = ''
  let ended = false
  child.stderr.on('data', (part: Buffer) => (log += part.toString()))
  child.on('error', (error) => {
    log += error.message
    ended = true
  })
  child.on('close', () => (ended = true))
  try {
    const address = await eventually('a service that listens', async () => {
      if (ended) {
        throw new Error(`the service does not listen: ${log}`)
      }
      return GREETING.exec(log)?.[1]
    })
    await eventually('a service that is ready', async () => {
      if (ended) {
        throw new Error(`the service ended: ${log}`)
      }
      const answer = await fetch(`${address}/readyz`).catch(() => undefined)
      return answer?.ok === true ? true : undefined
    })
    return { child, address }
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
}
