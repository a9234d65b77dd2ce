import { Run, Time } from '../../components/basics'
import type { Gap } from './readiness'

/** What was not observed; unless that is all that is asked, with what to do. */
export function Gaps({ list, advise = true }: { list: readonly Gap[]; advise?: boolean }) {
  return (
    <ul className="gaps">
      {list.map((gap) => (
        <li key={gap.what}>
          {gap.what} {advise && <Closing gap={gap} />}
        </li>
      ))}
    </ul>
  )
}

function Closing({ gap }: { gap: Gap }) {
  return (
    <span className="soft">
      {gap.advice}{' '}
      {gap.until !== null && (
        <>
          {gap.advice === null ? 'Wait' : 'Or wait'} until <Time value={gap.until} /> UTC.{' '}
        </>
      )}
      {gap.command !== null && <Run command={gap.command} />}
    </span>
  )
}
