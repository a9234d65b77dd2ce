import { PageHead } from '../components/basics'

export default function Node() {
  return <PageHead title="Node" />
}
