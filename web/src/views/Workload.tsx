import { PageHead } from '../components/basics'

export default function Workload() {
  return <PageHead title="Workload" />
}
