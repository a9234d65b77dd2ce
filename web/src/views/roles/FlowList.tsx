// What the diagram shows, as a list: for windows too narrow for four columns of names.
import { useMemo, useState } from 'react'
import { Role, ServiceAccount } from '../../components/basics'
import { count, counted } from '../../format'
import { flowLines, seriesName, type FlowLine, type FlowRow } from './flow'

/** Lines shown at once; the others come by a button. */
const FEW = 12

export function FlowList({ rows }: { rows: readonly FlowRow[] }) {
  const lines = useMemo(() => flowLines(rows), [rows])
  const [whole, setWhole] = useState(false)
  const most = lines[0]?.calls ?? 1
  return (
    <div className="section">
      <ol className="flow-list">
        {(whole ? lines : lines.slice(0, FEW)).map((line) => (
          <Line key={line.key} line={line} most={most} />
        ))}
      </ol>
      {lines.length > FEW && (
        <div>
          <button type="button" className="button small" aria-expanded={whole} onClick={() => setWhole(!whole)}>
            {whole ? 'Show fewer' : `Show all ${count(lines.length)}`}
          </button>
        </div>
      )}
    </div>
  )
}

function Line({ line, most }: { line: FlowLine; most: number }) {
  const { account, role, series } = line
  return (
    <li>
      <div className="flow-head">
        <span>
          {account.target?.kind === 'account' ? <ServiceAccount cluster={account.target.cluster} namespace={account.target.namespace} name={account.target.serviceAccount} /> : account.label}{' '}
          <span className="soft small">{line.cluster}</span>
        </span>
        <span className="nowrap">{counted(line.calls, 'call')}</span>
      </div>
      <span className="flow-bar" aria-hidden="true">
        <span className={series === null ? 'flow-unknown' : `swatch-${series}`} style={{ width: `${(100 * line.calls) / most}%` }} />
      </span>
      <div>
        <span className="soft small">{series === null ? 'Access path not known' : seriesName(series)} → </span>
        {role.target?.kind === 'role' ? <Role arn={role.target.roleArn} /> : role.label}
      </div>
      <div className="soft small">
        {line.services.map((one) => `${one.name} ${count(one.calls)}`).join(' · ')}
        {line.denied > 0 && <span className="denied nowrap"> · {count(line.denied)} denied</span>}
      </div>
    </li>
  )
}
