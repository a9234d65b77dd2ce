import { PageHead } from '../components/basics'

export default function Readiness() {
  return <PageHead title="Readiness" />
}
