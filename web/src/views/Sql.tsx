import { PageHead } from '../components/basics'

export default function Sql() {
  return <PageHead title="Sql" />
}
