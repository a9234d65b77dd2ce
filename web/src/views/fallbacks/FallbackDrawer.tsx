import type { ReactNode } from 'react'
import { useApi } from '../../api/queries'
import { Confidence, CopyButton, Facts, Role, Score, ServiceAccount, Time } from '../../components/basics'
import { Drawer } from '../../components/Drawer'
import { Answer } from '../../components/states'
import { Tabs } from '../../components/Tabs'
import { count, counted, words } from '../../format'
import { useUrlValue } from '../../state/url'
import { CAUSES, UNKNOWN_POD } from '../../terms'
import { Calls } from './Calls'
import { fix, isOfAccount, OF_ACCOUNT, policyText, who, type Fallback, type Fix } from './fallback'
import { Commands, Policies, Terraform } from './Fix'
import { Cause } from './Who'
import { Why } from './Why'

/** One fallback, whole. One that the list does not have, because of its filters, is asked for by its id. */
export function FallbackDrawer({ id, listed, onClose }: { id: string; listed: Fallback | undefined; onClose: () => void }) {
  const asked = useApi('/api/v1/fallbacks/{id}', { path: { id } }, { enabled: listed === undefined })
  const row = listed ?? asked.data?.item
  return (
    <Drawer title={row === undefined ? 'Fallback' : who(row).name} subtitle={row === undefined ? id : <Subtitle row={row} />} onClose={onClose}>
      {row === undefined ? <Answer query={asked}>{() => null}</Answer> : <Body row={row} filtered={listed === undefined} />}
    </Drawer>
  )
}

function Subtitle({ row }: { row: Fallback }) {
  const { name, open } = who(row)
  return (
    <>
      {open !== null && name !== UNKNOWN_POD && `${open} · `}
      {row.cluster ?? 'cluster unknown'} · {counted(row.calls ?? 0, 'call')} with the role of {counted(words(row.nodes).length, 'node')}
    </>
  )
}

const TABS = ['why', 'fix', 'terraform', 'policy', 'calls'] as const
type Tab = (typeof TABS)[number]

function Body({ row, filtered }: { row: Fallback; filtered: boolean }) {
  const [tab, show] = useUrlValue('tab')
  const what = fix(row)
  const shown = TABS.find((one) => one === tab) ?? 'why'
  return (
    <>
      {filtered && <p className="badge info fb-wrap">The filters or the time range of the page leave this fallback out of its list. What is said here is of all time.</p>}
      <div className="row fb-verdict">
        <Mark name="Cause">
          <Cause value={row.cause} />
        </Mark>
        <Mark name={isOfAccount(row) ? 'Service account' : 'Who'}>
          <Confidence value={row.confidence} />
          <Score value={row.score} />
        </Mark>
        <span className="fb-spring" />
        <CopyButton text={() => window.location.href} label="Copy link" />
      </div>
      <div className="section">
        {isOfAccount(row) && <p>{OF_ACCOUNT}</p>}
        <p>{CAUSES[row.cause ?? 'unknown']?.meaning}</p>
        {what !== null && (
          <p>
            <strong>What to do:</strong> {what.summary}
          </p>
        )}
      </div>
      <Facts facts={headFacts(row)} />
      <Tabs<Tab> label="Parts of the fallback" tabs={tabs(row, what)} shown={shown} onShow={(name) => show(name === 'why' ? null : name)} />
    </>
  )
}

/** What a badge is about: two of them may say the same. */
function Mark({ name, children }: { name: string; children: ReactNode }) {
  return (
    <span className="fb-mark">
      <span className="soft small">{name}</span>
      {children}
    </span>
  )
}

function headFacts(row: Fallback): [string, ReactNode][] {
  return [
    ['Service account', <ServiceAccount key="account" cluster={row.cluster} namespace={row.namespace} name={row.service_account} />],
    ['Node role', <Role key="role" arn={row.role_arn} />],
    ['Account, region', `${row.account_id ?? 'unknown'}, ${row.aws_region ?? 'unknown'}`],
    ['Calls', `${count(row.calls)}, of which ${count(row.denied)} denied`],
    [
      'Seen',
      <span key="seen">
        <Time value={row.first_seen} /> to <Time value={row.last_seen} /> UTC
      </span>,
    ],
  ]
}

function tabs(row: Fallback, what: Fix | null): { name: Tab; title: string; body: () => ReactNode }[] {
  const list: { name: Tab; title: string; body: () => ReactNode }[] = [{ name: 'why', title: 'Who and why', body: () => <Why row={row} /> }]
  if (what !== null) {
    list.push({ name: 'fix', title: 'Commands', body: () => <Commands fix={what} unsure={row.workload === null || row.confidence === 'candidate'} /> })
    const { terraform } = what
    if (terraform !== null) {
      list.push({ name: 'terraform', title: 'Terraform', body: () => <Terraform text={terraform} /> })
    }
    if (what.policy.length > 0) {
      list.push({ name: 'policy', title: 'Policy', body: () => <Policies texts={what.policy.map(policyText)} notes={what.policy_notes} /> })
    }
  }
  list.push({ name: 'calls', title: 'Calls and nodes', body: () => <Calls row={row} /> })
  return list
}
