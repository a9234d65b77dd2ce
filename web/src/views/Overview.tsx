import { PageHead } from '../components/basics'

export default function Overview() {
  return <PageHead title="Overview" />
}
