import { PageHead } from '../components/basics'

export default function Fallbacks() {
  return <PageHead title="Fallbacks" />
}
