import { Link } from 'react-router'
import { Code, Score, ServiceAccount } from '../../components/basics'
import { Section } from '../../components/Drawer'
import { Evidence } from '../../components/Evidence'
import { aboutOf } from '../../components/sources'
import { scoreText } from '../../format'
import { useCarry } from '../../state/url'
import { candidateName, candidates, evidenceOf, isOfAccount, podId, reasonsText, type Candidate, type Fallback } from './fallback'

/** Candidates with a lower score are only named. */
const LIKELY = 0.01

/** Who it can be, and what the cause rests on. */
export function Why({ row }: { row: Fallback }) {
  const { list, trustPolicy } = evidenceOf(row)
  return (
    <div className="fb-tab">
      <Section title="Who it can be">
        <Candidates row={row} />
      </Section>
      <Section title="Evidence">
        <Evidence list={list} about={aboutOf(row)} renderMore={(fact) => fact.fact === 'trust_policy' && trustPolicy !== null && <Code text={trustPolicy} label="Trust policy" />} />
      </Section>
    </div>
  )
}

function Candidates({ row }: { row: Fallback }) {
  const list = candidates(row)
  if (list.length === 0) {
    return (
      <p className="soft">
        {row.workload === null
          ? 'No candidates: the inventory shows no pod that can have made the calls. Import the inventory more often (podtrail inventory collect --follow) to see pods that come and go.'
          : 'The records name the workload: there is nothing to guess.'}
      </p>
    )
  }
  const likely = list.filter((one) => one.score >= LIKELY)
  return (
    <>
      <p className="soft small">{reason(row, list)}</p>
      <ol className="fb-candidates">
        {likely.map((one) => (
          <CandidateRow key={`${candidateName(one)} ${one.pods.join(' ')}`} cluster={row.cluster} candidate={one} />
        ))}
      </ol>
      {likely.length < list.length && (
        <p className="soft small">
          Also on the node, each with a score below 0.01: {list.filter((one) => !likely.includes(one)).map(candidateName).join(', ')}.
        </p>
      )}
    </>
  )
}

/** What the list of candidates says of the attribution. */
function reason(row: Fallback, list: readonly Candidate[]): string {
  const basis = 'The scores below are those of the calls that tell pods apart best. They come from which pods were on the nodes when the calls were made and not when there were none, from addresses, programs and resources.'
  if (isOfAccount(row)) {
    return `The service account is known; which of its workloads made the calls is not: none is likely enough to be named. ${basis}`
  }
  if (row.workload === null) {
    return `None is likely enough to be named. ${basis}`
  }
  if (row.confidence === 'candidate') {
    return `The first is the likeliest, and not proven: of calls with a score of ${scoreText(row.score ?? 0)} about ${Math.round(100 * (row.score ?? 0))} % are right. ${basis}`
  }
  return `${list.length > 1 ? 'Other pods were on the nodes; only the first explains the calls.' : 'Only this pod explains the calls.'} ${basis}`
}

function CandidateRow({ cluster, candidate }: { cluster: string | null; candidate: Candidate }) {
  return (
    <li>
      <Score value={candidate.score} />
      <div>
        <strong>{candidateName(candidate)}</strong>
        <p className="small soft">
          Service account <ServiceAccount cluster={cluster} namespace={candidate.namespace} name={candidate.service_account} />
          {candidate.pods.length > 0 && ' · Pod '}
          {candidate.pods.map((pod) => (
            <Pod key={pod} id={podId(cluster, candidate.namespace, candidate.service_account, pod)} name={pod} />
          ))}
        </p>
        <p className="small">{reasonsText(candidate)}</p>
      </div>
    </li>
  )
}

/** A pod, linked to what the inventory and the records say of it. */
export function Pod({ id, name }: { id: string | null; name: string }) {
  const to = useCarry()
  return id === null ? (
    <span className="mono">{name} </span>
  ) : (
    <Link className="mono" to={to('/explain', { id })}>
      {name}{' '}
    </Link>
  )
}
