// One role: what it is, who may use it, who did.
import { Link } from 'react-router'
import { Badge, CopyButton, Facts, Panel, Time } from '../../components/basics'
import { Section } from '../../components/Drawer'
import { arnAccount, arnName, count, counted, items, share } from '../../format'
import { useCarry } from '../../state/url'
import type { FlowRow } from './flow'
import { bindingOf, kindsOf, proofText, ROLE_KINDS, WILDCARD_MEANING, type RoleRow } from './roles'
import { Binding, Kinds, Paths, Wildcard } from './RoleTable'

export function RoleCard({ role, clusters, flows, onClose }: { role: RoleRow; clusters: readonly string[]; flows: readonly FlowRow[]; onClose: () => void }) {
  const to = useCarry()
  const arn = role.role_arn ?? ''
  const bindings = items(role.bound_to)
  const nodeRole = kindsOf(role).includes('node_role')
  return (
    <Panel
      title={arnName(arn)}
      note={<span className="mono">{arn}</span>}
      tools={
        <>
          <CopyButton text={arn} label="Copy ARN" />
          <button type="button" className="button small" onClick={onClose}>
            All roles
          </button>
        </>
      }
    >
      <div className="role-card">
        <Facts
          facts={[
            ['Account', <span key="account" className="mono">{arnAccount(arn)}</span>],
            ['Kind', <KindFact key="kind" role={role} />],
            ['Clusters', clusters.length === 0 ? <span className="soft">none known</span> : clusters.join(', ')],
            ['Access paths', <Paths key="paths" paths={role.access_paths} />],
            ['Calls', role.calls === null ? 'none in this time range' : `${count(role.calls)}, ${count(role.denied)} of them denied (${share(role.denied ?? 0, role.calls)})`],
            ['First, last', <Span key="span" role={role} />],
            ['Known from', proofText(role.proof) ?? <span key="proof" className="soft">–</span>],
          ]}
        />
        <Section title={bindingsTitle(role, bindings)}>
          {role.wildcard_trust && (
            <p>
              <Wildcard /> {WILDCARD_MEANING}
            </p>
          )}
          {bindings.length === 0 && <NoBinding nodeRole={nodeRole} />}
          <ul className="bindings">
            {bindings.map((text) => (
              <li key={text}>
                <Binding text={text} /> <BindingNote text={text} flows={flows} />
              </li>
            ))}
          </ul>
          {nodeRole && (
            <p>
              <Link to={to('/fallbacks', { role_arn: arn })}>Pods that fall back to it</Link> · <Link to={to('/readiness', { role_arn: arn })}>Is hop limit 1 safe?</Link> ·{' '}
              <Link to={to('/nodes', { role_arn: arn })}>Its nodes</Link>
            </p>
          )}
        </Section>
      </div>
    </Panel>
  )
}

function KindFact({ role }: { role: RoleRow }) {
  return (
    <>
      <Kinds role={role} />
      {kindsOf(role).map((kind) => (
        <p key={kind} className="soft small">
          {ROLE_KINDS[kind]?.meaning}
        </p>
      ))}
    </>
  )
}

function Span({ role }: { role: RoleRow }) {
  return role.first_seen === null ? (
    <span className="soft">–</span>
  ) : (
    <>
      <Time value={role.first_seen} /> to <Time value={role.last_seen} /> UTC
    </>
  )
}

function NoBinding({ nodeRole }: { nodeRole: boolean }) {
  return (
    <p className="soft">
      {nodeRole
        ? 'A role of nodes needs no binding: pods get it from the metadata service of their node.'
        : 'Neither trust policies, annotations nor associations that are known bind it. Who used it either assumed it from another role, or the inventory of its account is not imported.'}
    </p>
  )
}

function bindingsTitle(role: RoleRow, bindings: readonly string[]): string {
  if (bindings.length === 0) {
    return 'Bound to no service account'
  }
  return role.wildcard_trust ? 'More than named service accounts may use it' : `${counted(bindings.length, 'service account')} may use it`
}

function BindingNote({ text, flows }: { text: string; flows: readonly FlowRow[] }) {
  if (bindingOf(text) === null) {
    return <Badge title="Not one service account, but all that fit">pattern</Badge>
  }
  const used = flows.some((flow) => `${flow.cluster}/${flow.namespace}/${flow.service_account}` === text)
  return used ? null : <Badge title="No call of this service account with this role is in the time range">no calls</Badge>
}
