// What the story of anything but a call rests on. The service lists the facts of a call itself; of other things they are read
// from the sections of its answer.
import type { Fact } from '../../components/Evidence'
import { aboutOf, ofRole, rows as rowsOfView, sql, type About, type Source } from '../../components/sources'
import { arnName, count, counted } from '../../format'
import { utcTime } from '../../state/time'
import { sqlText } from '../../statements'
import { ACCESS_PATHS, proof, term } from '../../terms'
import { callerName, isCut, lead, number, rowsOf, text, type Row, type Story } from './story'
import type { Asked } from './subject'

/** Facts of one kind that are listed; the tables below have the others. */
const FEW = 3

export function aboutStory(told: Story, asked: Asked): About {
  if (asked.kind === 'event') {
    return aboutOf({ ...told.event, ...told.attribution })
  }
  if (asked.kind === 'service_account' || asked.kind === 'pod') {
    return aboutOf({ cluster: asked.cluster, namespace: asked.namespace, service_account: asked.serviceAccount, pod: asked.pod })
  }
  return aboutOf(asked.kind === 'role' ? { role_arn: asked.id } : null)
}

export function evidenceOf(told: Story, asked: Asked): Fact[] {
  if (asked.kind === 'event' || told.evidence.length > 0) {
    return told.evidence.map(worded)
  }
  switch (asked.kind) {
    case 'service_account':
    case 'pod':
      return ofWorkload(told, aboutStory(told, asked))
    case 'role':
      return ofRoleStory(told, asked.id)
    default:
      return ofCredentials(told, asked)
  }
}

/** A fact of the service with its proof in words. */
function worded(fact: Fact): Fact {
  const proven = /^role proven by (.+)$/.exec(fact.detail ?? '')?.[1]
  return proven === undefined ? fact : { ...fact, detail: `role proven by ${proof(proven)}` }
}

function ofCredentials(told: Story, asked: Asked): Fact[] {
  const key = asked.kind === 'access_key'
  const facts: Fact[] = rowsOf(told, 'issued to')
    .slice(0, FEW)
    .map((row) => ({ fact: 'issued_by', event_id: text(row, 'event_id'), detail: issuedText(row) }))
  const shown = rowsOf(told, 'shown by')
  if (shown.length > 0) {
    const sessions = new Set(shown.map((row) => text(row, key ? 'identity_arn' : 'access_key_id'))).size
    const under = key ? counted(sessions, 'session ARN') : counted(sessions, 'access key')
    const source = sql('The calls, one by one', key ? sqlText.key(asked.id) : sqlText.identity(asked.id))
    facts.push({ fact: 'shown_by', detail: `${callsText(shown)} with ${isCut(shown) ? 'at least ' : ''}${under}, ${spanText(shown)}`, sources: [source] })
  }
  const calls = rowsOf(told, 'calls')
  if (calls.length > 0) {
    const source = sql('Whose each call is, and why', key ? sqlText.whoseKey(asked.id) : sqlText.whoseIdentity(asked.id))
    facts.push({ fact: 'attribution', detail: `${callsText(calls)} by identities of a cluster; each has evidence of its own`, sources: [source] })
  }
  return facts
}

/** What the record of an issuance says. */
function issuedText(row: Row): string {
  const parent = text(row, 'parent_access_key_id')
  const to = callerName(row) ?? text(row, 'node')
  return [
    `credentials of ${arnName(text(row, 'role_arn'))}, by ${lead(term(ACCESS_PATHS, text(row, 'mechanism')))}`,
    to === null ? '' : ` to ${to}`,
    parent === null ? '' : `, asked for with access key ${parent}`,
  ].join('')
}

function callsText(rows: readonly Row[], cut: boolean = isCut(rows)): string {
  const calls = rows.reduce((sum, row) => sum + (number(row, 'calls') ?? 0), 0)
  return `${cut ? 'at least ' : ''}${counted(calls, 'call')}`
}

function spanText(rows: readonly Row[]): string {
  const first = rows.map((row) => text(row, 'first_seen')).filter((time) => time !== null)
  const last = rows.map((row) => text(row, 'last_seen')).filter((time) => time !== null)
  return `from ${utcTime(first.toSorted()[0] ?? '')} to ${utcTime(last.toSorted().at(-1) ?? '')} UTC`
}

function ofWorkload(told: Story, about: About): Fact[] {
  const { cluster, namespace, serviceAccount, pod } = about
  const named = { cluster: cluster ?? '', namespace: namespace ?? '', service_account: serviceAccount ?? '' }
  const calls = rowsOf(told, 'calls')
  const paths = [...new Set(calls.map((row) => text(row, 'access_path')))]
  const pods = rowsOf(told, 'pods')
  const facts: Fact[] = paths.map((path) => {
    const rows = calls.filter((row) => text(row, 'access_path') === path)
    // Rows that are left out may be of any path.
    return { fact: 'calls', event_id: text(rows[0], 'event_id'), detail: `${callsText(rows, isCut(calls))} by ${lead(term(ACCESS_PATHS, path))}, one of them this event` }
  })
  for (const row of rowsOf(told, 'refused')) {
    facts.push({ fact: 'refused', event_id: text(row, 'event_id'), detail: `${text(row, 'role_arn') ?? 'a role'} refused it: ${text(row, 'error_code') ?? 'an error'}` })
  }
  for (const row of rowsOf(told, 'bindings')) {
    const role = text(row, 'role_arn')
    facts.push({
      fact: 'binding',
      detail: `${text(row, 'proof') ?? 'inventory'}: ${term(ACCESS_PATHS, text(row, 'mechanism'))} with ${role ?? 'a role'}`,
      sources: [proofSource(text(row, 'proof') ?? '', role, named), rowsOfView('role_bindings', named)],
    })
  }
  const latest = pods[0]
  if (latest !== undefined) {
    const place = `on ${text(latest, 'instance_id') ?? text(latest, 'node') ?? 'a node that is not known'}, address ${text(latest, 'pod_ip') ?? 'not known'}`
    facts.push(
      pod === null
        ? { fact: 'pods', detail: `${isCut(pods) ? 'at least ' : ''}${counted(pods.length, 'time')} that pods were seen; the latest is ${text(latest, 'pod') ?? '–'}, ${place}`, sources: [rowsOfView('pods', named, 'valid_from DESC')] }
        : { fact: 'pod', detail: `${place}, from ${utcTime(text(latest, 'valid_from') ?? '')} UTC`, sources: [rowsOfView('pods', { ...named, pod }, 'valid_from DESC')] },
    )
  }
  return facts
}

/** The rows of the inventory that a binding is known from. */
function proofSource(from: string, role: string | null, account: Record<string, string>): Source {
  if (from.startsWith('trust policy')) {
    return ofRole('roles', role)[0] ?? rowsOfView('roles', {})
  }
  return rowsOfView(from.startsWith('Pod Identity') ? 'pod_identity_associations' : 'service_accounts', account, 'valid_from DESC')
}

function ofRoleStory(told: Story, arn: string): Fact[] {
  const facts: Fact[] = rowsOf(told, 'node role of').map((row) => ({
    fact: 'node_role',
    event_id: text(row, 'event_id'),
    detail: `of ${text(row, 'cluster') ?? 'a cluster that the record does not name'}: ${proof(text(row, 'proof'))}`,
  }))
  for (const row of rowsOf(told, 'used by').slice(0, FEW)) {
    facts.push({
      fact: 'used_by',
      event_id: text(row, 'event_id'),
      detail: `${callerName(row) ?? 'an identity that is not known'}: ${counted(number(row, 'calls') ?? 0, 'call')} by ${lead(term(ACCESS_PATHS, text(row, 'access_path')))}, one of them this event`,
    })
  }
  const bound = rowsOf(told, 'bound to')
  if (bound.length > 0) {
    const proofs = [...new Set(bound.map((row) => text(row, 'proof') ?? 'inventory'))]
    facts.push({ fact: 'bound_to', detail: `${isCut(bound) ? 'at least ' : ''}${counted(bound.length, 'service account')}, known from: ${proofs.join(', ')}`, sources: [...ofRole('role_bindings', arn), ...ofRole('roles', arn)] })
  }
  const issued = rowsOf(told, 'credentials issued to')
  if (issued.length > 0) {
    const sessions = issued.reduce((sum, row) => sum + (number(row, 'sessions') ?? 0), 0)
    facts.push({ fact: 'issued_to', detail: `${count(sessions)} times credentials of it were issued`, sources: [sql('The records of them', sqlText.assumed(arn))] })
  }
  for (const row of rowsOf(told, 'sessions without an issuing record').slice(0, FEW)) {
    facts.push({ fact: 'no_issuing_record', event_id: text(row, 'event_id'), detail: `of ${counted(number(row, 'sessions') ?? 0, 'session')} with ${counted(number(row, 'calls') ?? 0, 'call')}, one of them this event` })
  }
  if (rowsOf(told, 'in the inventory').length > 0) {
    facts.push({ fact: 'role', detail: 'the inventory shows it', sources: ofRole('roles', arn) })
  }
  return facts
}
