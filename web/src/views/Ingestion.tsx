import { PageHead } from '../components/basics'

export default function Ingestion() {
  return <PageHead title="Ingestion" />
}
