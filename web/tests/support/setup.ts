// Once for all tests: the demo's store, an empty one, and a service of the demo that tests only read.
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { sayMeasured } from './measured'
import { run } from './program'
import { Service } from './service'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Folder of the run, for what tests make themselves. */
    folder: string
    /** Store of the demo. */
    store: string
    /** Store that holds nothing. */
    emptyStore: string
    /** Address of the service of the demo. */
    address: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'podtrail-web-'))
  let service: Service | undefined
  const clear = async () => {
    await service?.stop()
    await sayMeasured(folder)
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const demo = ['demo', '--folder', join(folder, 'demo'), '--seed', '1', '--end', '2026-05-02T00:00:00Z', '--hours', '12', '--clusters', '2']
    await run(folder, [...demo, '--no-serve', '--quiet'])
    const nothing = join(folder, 'nothing')
    await mkdir(nothing)
    await run(folder, ['ingest', nothing, '--store', join(folder, 'empty'), '--quiet'])
    const store = join(folder, 'demo', 'store')
    service = await Service.start(folder, ['--store', store])
    project.provide('folder', folder)
    project.provide('store', store)
    project.provide('emptyStore', join(folder, 'empty'))
    project.provide('address', service.address)
  } catch (error) {
    await clear()
    throw error
  }
  return clear
}
