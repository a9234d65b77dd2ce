import { PageHead } from '../components/basics'

export default function Workloads() {
  return <PageHead title="Workloads" />
}
