import { PageHead } from '../components/basics'

export default function Explain() {
  return <PageHead title="Explain" />
}
