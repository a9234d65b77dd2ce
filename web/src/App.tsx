// Pages and their addresses. Each page is a chunk of its own.
import { QueryClientProvider, useQuery } from '@tanstack/react-query'
import { Component, lazy, useSyncExternalStore, type ComponentType, type ReactNode } from 'react'
import { createBrowserRouter, RouterProvider } from 'react-router'
import { ApiError, client, type Schemas } from './api/client'
import { ask, queryClient } from './api/queries'
import { token } from './api/token'
import { PageHead } from './components/basics'
import { Shell } from './components/Shell'
import { Empty, Failed, Loading } from './components/states'
import { follow } from './state/url'

/** Code of a page, which is loaded when it is first shown. */
function onDemand(load: () => Promise<{ default: ComponentType }>) {
  return lazy(() =>
    load().catch(() => {
      throw new ApiError(0, 'This page could not be loaded: the service does not answer, or is another version by now.')
    }),
  )
}

/** Loads the whole page anew, as soon as there is somebody to load it from: code that failed to load is not tried again. */
function reload() {
  client.GET('/healthz', { parseAs: 'text' }).then(
    () => window.location.reload(),
    () => undefined,
  )
}

const Login = onDemand(() => import('./views/Login'))
const Overview = onDemand(() => import('./views/Overview'))
const Fallbacks = onDemand(() => import('./views/Fallbacks'))
const Readiness = onDemand(() => import('./views/Readiness'))
const Workloads = onDemand(() => import('./views/Workloads'))
const Workload = onDemand(() => import('./views/Workload'))
const Roles = onDemand(() => import('./views/Roles'))
const Nodes = onDemand(() => import('./views/Nodes'))
const Node = onDemand(() => import('./views/Node'))
const Explain = onDemand(() => import('./views/Explain'))
const Sql = onDemand(() => import('./views/Sql'))
const Ingestion = onDemand(() => import('./views/Ingestion'))

/** Keeps an error of one page from taking the frame with it. */
class Guard extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null }

  static getDerivedStateFromError(error: Error) {
    return { error }
  }

  override render() {
    const { error } = this.state
    if (error === null) {
      return this.props.children
    }
    const unloaded = error instanceof ApiError && error.unreachable
    return <Failed error={error} retry={unloaded ? reload : () => this.setState({ error: null })} />
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
          <>
            <PageHead title="There is no such page." />
            <Empty title="Choose one from the menu." />
          </>
        ),
      },
    ],
  },
])

follow(router)

/** Shows the pages to those whom the service answers, and the log-in to others. */
function Door() {
  const held = useSyncExternalStore(token.subscribe, token.get)
  const session = useQuery<Schemas['Session'], ApiError>({
    queryKey: ['/api/v1/session', null, null, held],
    queryFn: ({ signal }) => ask('/api/v1/session', {}, signal),
    retry: false,
  })
  if (session.isPending) {
    return <Loading label="Loading the dashboard" lines={8} />
  }
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
