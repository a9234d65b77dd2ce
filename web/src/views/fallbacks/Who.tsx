import { Badge } from '../../components/basics'
import { CAUSES } from '../../terms'
import { openText, who, type Fallback } from './fallback'

/** The workload; where it is not known, that, and what fits best. */
export function WhoCell({ row }: { row: Fallback }) {
  const { name, open } = who(row)
  return (
    <div className="fb-who">
      <strong>{name}</strong>
      {open !== null && (
        <span className="soft small">
          {row.component === null && row.namespace === null ? '' : `${open}: `}
          {openText(row)}
        </span>
      )}
    </div>
  )
}

export function Cause({ value }: { value: string | null }) {
  const cause = CAUSES[value ?? 'unknown']
  return (
    <Badge tone={value === null || value === 'unknown' ? 'mute' : 'warn'} title={cause?.meaning ?? ''}>
      {cause?.name ?? value}
    </Badge>
  )
}

/** The cause in a table, where a long one may take two lines. */
export function CauseCell({ row }: { row: Fallback }) {
  return (
    <span className="fb-cause">
      <Cause value={row.cause} />
    </span>
  )
}
