import { PageHead } from '../components/basics'

export default function Nodes() {
  return <PageHead title="Nodes" />
}
