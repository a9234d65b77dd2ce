import { PageHead } from '../components/basics'

export default function Roles() {
  return <PageHead title="Roles" />
}
