// Pods as bars over time.
import type { Schemas } from '../../api/client'

type Pod = Schemas['WorkloadPod']

/** Pods drawn; the table has all. */
export const MOST_PODS = 60

export interface Bar {
  pod: Pod
  /** Shares of the axis, 0 to 1: begin, the last time it was seen, and when it was found to have gone. */
  from: number
  seen: number
  to: number
  /** Whether it was still there when last looked at. */
  open: boolean
}

export interface Strip {
  begin: number
  end: number
  ticks: { at: number; time: number }[]
  groups: { name: string; bars: Bar[] }[]
}

const ms = (time: string | null): number | null => (time === null ? null : new Date(time).getTime())

/** The ReplicaSet of a Deployment's pod, by its name; else the controller. */
export function groupOf(pod: Pick<Pod, 'pod' | 'workload'>): string {
  const workload = pod.workload ?? 'no controller known'
  const replicaSet = /^(.+-[a-z0-9]{5,10})-[a-z0-9]{5}$/.exec(pod.pod ?? '')?.[1]
  return workload.startsWith('Deployment/') && replicaSet !== undefined ? `${workload} · ReplicaSet ${replicaSet}` : workload
}

const MINUTE_MS = 60_000
const STEPS_MS = [5, 15, 30, 60, 180, 360, 720, 1440, 2880, 7200, 14_400, 43_200, 129_600].map((minutes) => minutes * MINUTE_MS)

/** At most five round times between two. */
export function ticks(begin: number, end: number): number[] {
  const step = STEPS_MS.find((one) => (end - begin) / one <= 5) ?? (end - begin) / 5
  const found: number[] = []
  for (let time = Math.ceil(begin / step) * step; time <= end; time += step) {
    found.push(time)
  }
  return found
}

/** Bars of the most recent pods, in groups in the order in which these began. Null without a pod of a known begin. */
export function strip(pods: readonly Pod[], from: number | null, to: number | null): Strip | null {
  const dated = pods
    .flatMap((pod) => {
      const begin = ms(pod.valid_from)
      const seen = ms(pod.observed_at) ?? begin
      return begin === null || seen === null ? [] : [{ pod, begin, seen, gone: ms(pod.valid_to) }]
    })
    .toSorted((a, b) => b.begin - a.begin)
    .slice(0, MOST_PODS)
    .toSorted((a, b) => a.begin - b.begin)
  const ends = dated.map((one) => one.gone ?? one.seen)
  const begin = Math.max(Math.min(...dated.map((one) => one.begin)), from ?? -Infinity)
  const end = Math.min(Math.max(...ends), to ?? Infinity)
  if (dated.length === 0 || end <= begin) {
    return null
  }
  const at = (time: number) => Math.min(1, Math.max(0, (time - begin) / (end - begin)))
  const groups = new Map<string, Bar[]>()
  for (const { pod, begin: start, seen, gone } of dated) {
    const name = groupOf(pod)
    const last = gone === null ? seen : Math.min(seen, gone)
    const bar = { pod, from: at(start), seen: at(last), to: at(gone ?? seen), open: gone === null }
    groups.set(name, [...(groups.get(name) ?? []), bar])
  }
  return {
    begin,
    end,
    ticks: ticks(begin, end).map((time) => ({ at: at(time), time })),
    groups: [...groups.entries()].map(([name, bars]) => ({ name, bars })),
  }
}
