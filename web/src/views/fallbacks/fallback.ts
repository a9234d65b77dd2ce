// What a row of fallbacks says, from its columns. Columns that hold JSON are read only by what shows them.
import type { Schemas } from '../../api/client'
import type { Fact } from '../../components/Evidence'
import { facts } from '../../components/Evidence'
import { count, counted, json, scoreText } from '../../format'
import { policyText } from '../../policy'
import { ACCESS_PATHS, CAUSES, term, UNKNOWN_POD } from '../../terms'

export type Fallback = Schemas['FallbackRow']

/** A workload that can have made the calls. */
export interface Candidate {
  namespace: string
  service_account: string | null
  workload: string | null
  score: number
  pods: string[]
  reasons: Reason[]
}

/** Why a candidate is more or less likely than others. */
export interface Reason {
  /** What it is called. */
  reason: string
  /** What it says, one sentence. */
  detail: string
}

/** One step of a fix. */
export interface Step {
  title: string
  command: string
}

/** One thing to know of a policy. */
export type PolicyNote = Schemas['PolicyNote']

/** What to do about a fallback. */
export interface Fix {
  summary: string
  commands: Step[]
  terraform: string | null
  policy: unknown[]
  policy_notes: PolicyNote[]
  notes: string[]
}

/** Whether it is known which workload made the calls. Every figure of workloads on node roles counts by it. */
export function isNamed(row: Pick<Fallback, 'workload'>): boolean {
  return row.workload !== null
}

/** Numbers of those on node roles: workloads, each once though it be on several node roles, and callers that may be one of them. */
export function whoFalls(rows: readonly Pick<Fallback, 'cluster' | 'namespace' | 'workload'>[]): { workloads: number; unknown: number } {
  const named = rows.filter(isNamed)
  return {
    workloads: new Set(named.map((row) => JSON.stringify([row.cluster, row.namespace, row.workload]))).size,
    unknown: rows.length - named.length,
  }
}

/** `15 workloads and 5 callers that are not known`. */
export function whoFallsText({ workloads, unknown }: { workloads: number; unknown: number }): string {
  const callers = unknown === 1 ? '1 caller that is not known' : `${count(unknown)} callers that are not known`
  return unknown === 0 ? counted(workloads, 'workload') : workloads === 0 ? callers : `${counted(workloads, 'workload')} and ${callers}`
}

/** Whether confidence and score are of a service account alone: which of its workloads made the calls is not known. */
export function isOfAccount(row: Pick<Fallback, 'workload' | 'service_account'>): boolean {
  return row.workload === null && row.service_account !== null
}

export const OF_ACCOUNT =
  'Confidence and score are of the service account. Which of its workloads made the calls is not known: the candidates have scores of their own.'

/** Who it is, as far as that is known. */
export interface Who {
  name: string
  /** What the name leaves open; null where the workload is known. */
  open: string | null
}

export function who(row: Pick<Fallback, 'namespace' | 'workload' | 'service_account' | 'component'>): Who {
  if (row.namespace !== null && row.workload !== null) {
    return { name: `${row.namespace}/${row.workload}`, open: null }
  }
  if (row.namespace !== null && row.service_account !== null) {
    return { name: `${row.namespace}/${row.service_account}`, open: 'workload not known' }
  }
  if (row.component !== null) {
    return { name: row.component, open: 'pod not known' }
  }
  return { name: UNKNOWN_POD, open: 'pod not known' }
}

/** `media/Deployment/pdf-render`; without its workload, its service account. */
export function candidateName(candidate: Candidate): string {
  return `${candidate.namespace}/${candidate.workload ?? candidate.service_account ?? '?'}`
}

/** Pods that fit, best first. */
export function candidates(row: Pick<Fallback, 'candidates'>): Candidate[] {
  const list = json<Candidate[]>(row.candidates)
  return Array.isArray(list) ? list.toSorted((a, b) => b.score - a.score) : []
}

/** Its reasons as one sentence. */
export function reasonsText(candidate: Pick<Candidate, 'reasons'>): string {
  const text = candidate.reasons.map((one) => one.detail).join('; ')
  return text === '' ? '' : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

/** Where the pod or its workload is not known: how many fit, and which one best. */
export function openText(row: Pick<Fallback, 'candidates'>): string {
  const list = candidates(row)
  const best = list[0]
  if (best === undefined) {
    return 'no candidates'
  }
  const number = list.length === 1 ? '1 candidate' : `${list.length} candidates, best`
  return `${number} ${candidateName(best)} (${scoreText(best.score)})`
}

export function fix(row: Pick<Fallback, 'fix'>): Fix | null {
  const found = json<Partial<Fix>>(row.fix)
  if (found === null || typeof found.summary !== 'string') {
    return null
  }
  return {
    summary: found.summary,
    commands: found.commands ?? [],
    terraform: found.terraform ?? null,
    policy: found.policy ?? [],
    policy_notes: found.policy_notes ?? [],
    notes: found.notes ?? [],
  }
}

/** All steps as one script, their titles as comments. */
export function script(steps: readonly Step[]): string {
  return steps.map((step) => `# ${step.title}\n${step.command}`).join('\n\n') + '\n'
}

export interface CauseCount {
  cause: string
  rows: number
  calls: number
}

/** Rows and calls by cause, the most frequent first; what is not known comes last. */
export function byCause(rows: readonly Pick<Fallback, 'cause' | 'calls'>[]): CauseCount[] {
  const found = new Map<string, CauseCount>()
  for (const row of rows) {
    const cause = row.cause ?? 'unknown'
    const one = found.get(cause) ?? { cause, rows: 0, calls: 0 }
    one.rows += 1
    one.calls += row.calls ?? 0
    found.set(cause, one)
  }
  const unknownLast = (one: CauseCount) => (one.cause === 'unknown' ? 1 : 0)
  return [...found.values()].toSorted((a, b) => unknownLast(a) - unknownLast(b) || b.rows - a.rows || b.calls - a.calls)
}

/** What narrows the rows on the page itself. */
export interface Narrow {
  namespace: string | null
  cause: string | null
  confidence: string | null
  q: string | null
}

export function narrowed(rows: readonly Fallback[], by: Narrow): Fallback[] {
  const wanted = (by.q ?? '').toLowerCase().split(/\s+/).filter((word) => word !== '')
  return rows.filter(
    (row) =>
      (by.namespace === null || row.namespace === by.namespace) &&
      (by.cause === null || (row.cause ?? 'unknown') === by.cause) &&
      (by.confidence === null || row.confidence === by.confidence) &&
      (wanted.length === 0 || has(row, wanted)),
  )
}

/** Columns that a text is looked for in. Candidates count: an unknown pod is found by who may be behind it. */
function has(row: Fallback, wanted: readonly string[]): boolean {
  const text = [
    row.id,
    row.cluster,
    row.namespace,
    row.workload,
    row.service_account,
    row.component,
    row.role_arn,
    row.pods,
    row.nodes,
    row.actions,
    row.user_agents,
    // Their reasons say the same of many rows.
    ...candidates(row).flatMap((one) => [one.namespace, one.workload, one.service_account, ...one.pods]),
    row.cause,
    CAUSES[row.cause ?? '']?.name,
  ]
    .join('\n')
    .toLowerCase()
  return wanted.every((word) => text.includes(word))
}

/** User agents stand one a line: they have blanks of their own. */
export function userAgents(row: Pick<Fallback, 'user_agents'>): string[] {
  return (row.user_agents ?? '').split('\n').filter((line) => line.trim() !== '')
}

/** The facts of a row in words: what is JSON in them is told, the trust policy is kept apart. */
export function evidenceOf(row: Pick<Fallback, 'evidence' | 'namespace' | 'service_account'>): { list: Fact[]; trustPolicy: string | null } {
  let trustPolicy: string | null = null
  const list = facts(row.evidence).map((fact) => {
    if (fact.fact === 'sdk') {
      return { ...fact, detail: sdkText(fact.detail) }
    }
    if (fact.fact === 'trust_policy') {
      const document = json<unknown>(fact.detail)
      if (document !== null) {
        trustPolicy = policyText(document)
        return { ...fact, detail: `As it was seen. To let the workload in, it has to allow system:serviceaccount:${row.namespace}:${row.service_account}.` }
      }
    }
    return fact
  })
  return { list, trustPolicy }
}

function sdkText(detail: string | null | undefined): string | null {
  const sdk = json<{ sdk?: string; version?: string; minimum?: string; binding?: string }>(detail)
  if (sdk?.sdk === undefined) {
    return detail ?? null
  }
  return `${sdk.sdk} ${sdk.version ?? ''} is older than ${sdk.minimum ?? '?'}, the first version that knows ${term(ACCESS_PATHS, sdk.binding)}`
}

/** What explains a pod: its address is CLUSTER/NAMESPACE/SERVICE_ACCOUNT/POD. */
export function podId(cluster: string | null, namespace: string | null, serviceAccount: string | null, pod: string): string | null {
  return cluster === null || namespace === null || serviceAccount === null ? null : [cluster, namespace, serviceAccount, pod].join('/')
}
