import { Badge, Confidence, Name } from '../../components/basics'
import { CAUSES } from '../../terms'
import { isOfAccount, OF_ACCOUNT, openText, who, type Fallback } from './fallback'

/** The workload; where it is not known, that, and what fits best. */
export function WhoCell({ row }: { row: Fallback }) {
  const { name, open } = who(row)
  return (
    <div className="fb-who">
      <strong>
        <Name text={name} />
      </strong>
      {open !== null && (
        <span className="soft small">
          {row.component === null && row.namespace === null ? '' : `${open}: `}
          <Name text={openText(row)} />
        </span>
      )}
    </div>
  )
}

/** How sure it is; and of what, where the workload is not known. */
export function SureCell({ row }: { row: Fallback }) {
  return (
    <>
      <Confidence value={row.confidence} />
      {isOfAccount(row) && (
        <div className="soft small" title={OF_ACCOUNT}>
          of the service account
        </div>
      )}
    </>
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
export function CauseCell({ row }: { row: Pick<Fallback, 'cause'> }) {
  return (
    <span className="cause-cell">
      <Cause value={row.cause} />
    </span>
  )
}
