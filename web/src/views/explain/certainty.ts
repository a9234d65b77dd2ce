// What would make an answer more certain, from what it rests on: see docs/attribution.md.
import { number, text, type Story } from './story'

const EARLIER = 'Ingest the hours before this session began, of all regions: the record that issued its credentials names who got them.'

/** What would make the story of an event more certain; empty where nothing would. */
export function better(told: Story): string[] {
  if (told.event === null) {
    return told.missing.map((one) => `${one.charAt(0).toUpperCase()}${one.slice(1)}.`)
  }
  const facts = new Set(told.evidence.map((one) => one.fact))
  if (told.attribution === null) {
    return unattributed(told)
  }
  const row = told.attribution
  const found: string[] = []
  if (facts.has('oidc_provider') || facts.has('pod_identity_role')) {
    found.push(EARLIER)
  }
  if (text(row, 'access_path') === 'node_role') {
    found.push(...nodeRole(told))
  } else if (text(row, 'access_path') === 'irsa' && text(row, 'pod') === null) {
    found.push(
      'The token of IRSA names the service account, not the pod. The pod shows only where the call keeps the pod’s own address, as through a VPC interface endpoint; behind a NAT gateway it cannot be told.',
    )
  } else if (text(row, 'access_path') === 'pod_identity' && text(row, 'pod') === null) {
    found.push('The session tags of EKS Pod Identity name the pod. They are disabled for this association, or the record with them is not in the store.')
  }
  return found
}

function nodeRole(told: Story): string[] {
  const row = told.attribution
  const sure = text(row, 'confidence')
  if (text(row, 'actor') === 'node_agent' || sure === 'exact') {
    return []
  }
  if (sure === 'inferred' && (number(row, 'score') ?? 1) >= 0.99) {
    return []
  }
  const found = [
    'Import the inventory more often (podtrail inventory import): the better it is known which pods were on the node, the fewer can have made the call.',
    'Let calls go through VPC interface endpoints: their records have the address of the pod itself.',
    'Give the workload a role of its own (IRSA or EKS Pod Identity): its calls then name it by themselves.',
  ]
  if (text(told.event, 'invoked_by') !== null) {
    found.unshift('An AWS service forwarded this call: neither address nor user agent of the pod is in its record. The call that made the service do so tells more.')
  }
  return found
}

function unattributed(told: Story): string[] {
  const session = text(told.event, 'identity_type') === 'AssumedRole'
  return session
    ? [EARLIER, 'Import the inventory (podtrail inventory import): it ties roles to clusters, node groups and service accounts.']
    : []
}
