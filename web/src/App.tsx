// Pages and their addresses. Each page is a chunk of its own.
import { QueryClientProvider, useQuery } from '@tanstack/react-query'
import { Component, lazy, useSyncExternalStore, type ReactNode } from 'react'
import { createBrowserRouter, RouterProvider } from 'react-router'
import { ApiError, type Schemas } from './api/client'
import { ask, queryClient } from './api/queries'
import { token } from './api/token'
import { Shell } from './components/Shell'
import { Empty, Failed } from './components/states'

const Login = lazy(() => import('./views/Login'))
const Overview = lazy(() => import('./views/Overview'))
const Fallbacks = lazy(() => import('./views/Fallbacks'))
const Readiness = lazy(() => import('./views/Readiness'))
const Workloads = lazy(() => import('./views/Workloads'))
const Workload = lazy(() => import('./views/Workload'))
const Roles = lazy(() => import('./views/Roles'))
const Nodes = lazy(() => import('./views/Nodes'))
const Node = lazy(() => import('./views/Node'))
const Explain = lazy(() => import('./views/Explain'))
const Sql = lazy(() => import('./views/Sql'))
const Ingestion = lazy(() => import('./views/Ingestion'))

/** Keeps an error of one page from taking the frame with it. */
class Guard extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null }

  static getDerivedStateFromError(error: Error) {
    return { error }
  }

  override render() {
    return this.state.error === null ? this.props.children : <Failed error={this.state.error} retry={() => this.setState({ error: null })} />
  }
}

function page(path: string, view: ReactNode) {
  return { path, element: <Guard key={path}>{view}</Guard> }
}

const router = createBrowserRouter([
  {
    element: <Shell />,
    children: [
      page('/', <Overview />),
      page('/fallbacks', <Fallbacks />),
      page('/readiness', <Readiness />),
      page('/workloads', <Workloads />),
      page('/workloads/:cluster/:namespace/:serviceAccount', <Workload />),
      page('/roles', <Roles />),
      page('/nodes', <Nodes />),
      page('/nodes/:node', <Node />),
      page('/explain', <Explain />),
      page('/sql', <Sql />),
      page('/ingestion', <Ingestion />),
      {
        path: '*',
        element: (
          <Empty title="There is no such page.">
            <p>Choose one from the menu.</p>
          </Empty>
        ),
      },
    ],
  },
])

/** Shows the pages to those whom the service answers, and the log-in to others. */
function Door() {
  const held = useSyncExternalStore(token.subscribe, token.get)
  const session = useQuery<Schemas['Session'], ApiError>({
    queryKey: ['/api/v1/session', null, null, held],
    queryFn: ({ signal }) => ask('/api/v1/session', {}, signal),
    retry: false,
  })
  if (session.error?.unauthenticated === true) {
    return <Login />
  }
  return <RouterProvider router={router} />
}

export function App() {
  return (
    <QueryClientProvider client={queryClient}>
      <Door />
    </QueryClientProvider>
  )
}
