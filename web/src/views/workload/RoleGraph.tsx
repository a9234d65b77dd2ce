// From the service account to its roles, and from those to the roles that it assumed. A list of lists that is drawn from left to
// right where there is room, and downwards where there is not.
import { AccessPath, Badge, Role } from '../../components/basics'
import { arnAccount, counted } from '../../format'
import type { RoleNode } from './chains'

export function RoleGraph({ name, cluster, tree }: { name: string; cluster: string; tree: readonly RoleNode[] }) {
  return (
    <ul className="chain" aria-label="Roles, each below the one that it was assumed from">
      <li>
        <div className="chain-card root">
          <span className="soft small">Service account</span>
          <strong>{name}</strong>
          <span className="soft small">{cluster}</span>
        </div>
        <Branches nodes={tree} />
      </li>
    </ul>
  )
}

function Branches({ nodes }: { nodes: readonly RoleNode[] }) {
  return nodes.length === 0 ? null : (
    <ul>
      {nodes.map((node) => (
        <li key={node.key}>
          <Card node={node} />
          <Branches nodes={node.children} />
        </li>
      ))}
    </ul>
  )
}

function Card({ node }: { node: RoleNode }) {
  const refused = node.figures !== null && node.figures.calls > 0 && node.figures.denied === node.figures.calls
  return (
    <div className={`chain-card path-${node.access_path ?? 'unknown'}`}>
      <span className="small row" style={{ gap: '2px 8px' }}>
        <How node={node} />
      </span>
      <strong>
        <Role arn={node.role_arn} />
      </strong>
      <span className="small row" style={{ gap: '2px 8px' }}>
        <span className="soft">Account {arnAccount(node.role_arn) ?? 'not known'}</span>
        {node.crosses && <Badge tone="warn">other account</Badge>}
      </span>
      {node.figures !== null && (
        <span className="soft small">
          {counted(node.figures.calls, 'call')}
          {node.figures.denied > 0 && `, ${node.figures.denied.toLocaleString('en-GB')} denied`}
        </span>
      )}
      {refused && <Badge tone="bad">every call was refused</Badge>}
      {node.untold > 0 && <span className="soft small">{counted(node.untold, 'session')} assumed from a role that no record shows</span>}
      {node.repeated && <span className="soft small">what follows is drawn above</span>}
    </div>
  )
}

function How({ node }: { node: RoleNode }) {
  const sessions = node.sessions === null ? null : counted(node.sessions, 'session')
  if (node.hops > 0) {
    return (
      <>
        <span className="mono">sts:AssumeRole</span>
        <span className="soft">
          hop {node.hops}
          {sessions !== null && `, ${sessions}`}
        </span>
      </>
    )
  }
  return (
    <>
      {node.access_path === null ? <span className="soft">access path not known</span> : <AccessPath value={node.access_path} />}
      <span className="soft">{sessions ?? (node.access_path === 'node_role' ? 'by IMDS' : 'no session was issued')}</span>
    </>
  )
}
