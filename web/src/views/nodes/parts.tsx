import { Badge } from '../../components/basics'
import { hopLimit, httpTokens, type Said } from './nodes'

function SaidBadge({ said }: { said: Said }) {
  return (
    <Badge tone={said.tone} title={said.title}>
      {said.text}
    </Badge>
  )
}

export function HopLimit({ value }: { value: number | null }) {
  return <SaidBadge said={hopLimit(value)} />
}

export function HttpTokens({ value, named = false }: { value: string | null; named?: boolean }) {
  const said = httpTokens(value)
  return <SaidBadge said={named ? { ...said, text: `tokens ${said.text}` } : said} />
}

export function Agent({ seen }: { seen: boolean }) {
  return seen ? (
    <Badge tone="good" title="The EKS Pod Identity Agent was seen on the node.">
      yes
    </Badge>
  ) : (
    <Badge tone="warn" title="Neither a call of the EKS Pod Identity Agent nor its pod was seen on the node. If it is missing, pods with an association get no credentials here, and may fall back to the node’s role.">
      not seen
    </Badge>
  )
}
