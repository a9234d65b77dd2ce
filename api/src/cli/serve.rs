//! `podtrail serve`.

mod access;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use clap::Parser;
use podtrail_api::serve::access::{Access, Passwords};
use podtrail_api::serve::assets;
use podtrail_api::serve::layers::HttpLimits;
use podtrail_api::serve::listen::{self, ListenOptions};
use podtrail_api::serve::pgwire::{self, CurrentTls, PasswordCheck, PgOptions};
use podtrail_api::serve::schedule::Schedules;
use podtrail_api::serve::served::Served;
use podtrail_api::serve::state::State;
use podtrail_api::serve::tls::{HTTP, Tls};
use podtrail_api::serve::{Workers, router, telemetry};
use podtrail_ingest::Stop;
use podtrail_query::{Bounds, Engine, Executor, Limits};
use tokio::net::TcpListener;

use super::config::Config;
use super::ingest::Ingest;
use super::{Exit, Global, say, time};
use access::AccessArguments;

/// How often certificates are looked at.
const CERTIFICATES_EVERY: Duration = Duration::from_secs(10);

/// How often metrics that nobody asks for are put away.
const METRICS_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// Address of the HTTP API; other than a loopback one only with authentication
    #[arg(
        long,
        env = "PODTRAIL_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS"
    )]
    listen: SocketAddr,
    /// Address for PostgreSQL clients; none without it
    #[arg(long, env = "PODTRAIL_PG_LISTEN", value_name = "ADDRESS")]
    pg_listen: Option<SocketAddr>,
    #[command(flatten)]
    access: AccessArguments,
    /// Certificate chain, PEM: serves HTTPS; read again when it changes
    #[arg(
        long,
        env = "PODTRAIL_TLS_CERT",
        requires = "tls_key",
        value_name = "FILE"
    )]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate, PEM
    #[arg(
        long,
        env = "PODTRAIL_TLS_KEY",
        requires = "tls_cert",
        value_name = "FILE"
    )]
    tls_key: Option<PathBuf>,
    /// Read the configured sources and clusters at this interval, such as 5m
    #[arg(long, env = "PODTRAIL_EVERY", value_parser = time::duration, value_name = "DURATION")]
    every: Option<chrono::Duration>,
    #[command(flatten)]
    bounds: BoundArguments,
}

/// Bounds of requests and statements.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct BoundArguments {
    /// How often to look for new commits
    #[arg(long, env = "PODTRAIL_REFRESH", value_parser = std_duration, default_value = "2s", value_name = "DURATION")]
    refresh: Duration,
    /// Requests in work at once; more are refused with 503
    #[arg(long, env = "PODTRAIL_MAX_REQUESTS", default_value_t = 256, value_parser = at_least_one, value_name = "N")]
    max_requests: usize,
    /// Connections at once
    #[arg(long, env = "PODTRAIL_MAX_CONNECTIONS", default_value_t = 512, value_parser = at_least_one, value_name = "N")]
    max_connections: usize,
    /// Users' statements that work at once; more wait
    #[arg(long, env = "PODTRAIL_SQL_CONCURRENT", default_value_t = 4, value_parser = at_least_one, value_name = "N")]
    sql_concurrent: usize,
    /// Time of a user's statement
    #[arg(long, env = "PODTRAIL_SQL_TIME", value_parser = std_duration, default_value = "60s", value_name = "DURATION")]
    sql_time: Duration,
    /// Memory of a user's statement, in MiB
    #[arg(long, env = "PODTRAIL_SQL_MEMORY_MIB", default_value_t = 512, value_parser = at_least_one, value_name = "MIB")]
    sql_memory_mib: usize,
    /// Rows of a user's statement
    #[arg(
        long,
        env = "PODTRAIL_SQL_ROWS",
        default_value_t = 1_000_000,
        value_name = "N"
    )]
    sql_rows: u64,
    /// Disk space for statements that do not fit into memory, all together, in MiB
    #[arg(
        long,
        env = "PODTRAIL_SPILL_MIB",
        default_value_t = 16_384,
        value_name = "MIB"
    )]
    spill_mib: u64,
    /// Folder for it; the system's temporary folder without it
    #[arg(long, env = "PODTRAIL_SPILL_FOLDER", value_name = "FOLDER")]
    spill_folder: Option<PathBuf>,
    /// Time that requests in work get when the service is to end
    #[arg(long, env = "PODTRAIL_DRAIN", value_parser = std_duration, default_value = "20s", value_name = "DURATION")]
    drain: Duration,
}

async fn bind(address: SocketAddr) -> Result<TcpListener, podtrail_ingest::Error> {
    TcpListener::bind(address).await.map_err(|error| {
        podtrail_ingest::Error::InvalidInput(format!("cannot listen on {address}: {error}"))
    })
}

fn std_duration(text: &str) -> Result<Duration, String> {
    time::duration(text)?
        .to_std()
        .map_err(|error| error.to_string())
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("a number from 1".to_owned()),
        Ok(number) => Ok(number),
    }
}

impl BoundArguments {
    fn engine(&self) -> Limits {
        Limits {
            spill_bytes: self.spill_mib << 20,
            spill_folder: self.spill_folder.clone(),
            ..Limits::new(super::cores())
        }
    }

    /// Bounds of users' statements.
    fn sql(&self) -> Bounds {
        Bounds {
            concurrent: self.sql_concurrent,
            waiting: self.max_requests,
            patience: Duration::from_secs(30),
            time: self.sql_time,
            memory_bytes: self.sql_memory_mib << 20,
            rows: self.sql_rows,
            ..Bounds::default()
        }
    }

    /// Bounds of the service's own statements: more turns, so that users' statements do not hold up the dashboard.
    fn reports(&self) -> Bounds {
        Bounds {
            concurrent: 8,
            waiting: self.max_requests,
            patience: Duration::from_secs(30),
            ..Bounds::default()
        }
    }
}

/// The command alone, for what stands in the environment beside the command line.
#[derive(Debug, clap::Parser)]
struct Alone {
    #[command(flatten)]
    serve: Serve,
}

impl Serve {
    /// What `podtrail serve --listen` does. Where the address is taken, any free port of it.
    ///
    /// # Errors
    /// Where the environment has values that are none.
    pub(crate) fn at(listen: SocketAddr) -> anyhow::Result<Self> {
        let listen = match std::net::TcpListener::bind(listen) {
            Ok(_) => listen,
            Err(_) => SocketAddr::new(listen.ip(), 0),
        };
        let alone = Alone::try_parse_from(["podtrail", "--listen", &listen.to_string()])?;
        Ok(alone.serve)
    }

    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let addresses = [Some(self.listen), self.pg_listen];
        let access = self.access.access(addresses.into_iter().flatten())?;
        let tls = self.tls()?;
        let config = Config::read(global.config.as_deref())?;
        let ingest = self.every.map(Ingest::configured).transpose()?;
        let store = if ingest.is_some() {
            let store = global.create_store().await?;
            store.create_tables().await?;
            store
        } else {
            global.open_store().await?
        };
        let engine = config.apply(Engine::new(store, &self.bounds.engine())?)?;
        let served = Arc::new(Served::open(engine, Utc::now).await?);
        // As many threads for each: users' statements may keep all of theirs busy, the dashboard's go on.
        let sql_workers = Workers::start(super::cores())?;
        let report_workers = Workers::start(super::cores())?;
        let state = self.state(&served, &sql_workers, &report_workers)?;
        let listener = bind(self.listen).await?;
        let pg_listener = match self.pg_listen {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        let address = listener.local_addr()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let limits = HttpLimits {
            in_flight: self.bounds.max_requests,
            ..HttpLimits::default()
        };
        let router = router(state.clone(), &access, &limits, tls.is_some());
        let options = ListenOptions {
            connections: self.bounds.max_connections,
            drain: self.bounds.drain,
            tls: tls.as_ref().map(|tls| tls.config(HTTP)).transpose()?,
            ..ListenOptions::default()
        };
        let stop = super::signals::stop()?;
        let mut background = tokio::task::JoinSet::new();
        background.spawn(Arc::clone(&served).keep_new(self.bounds.refresh));
        if let Some(tls) = &tls {
            background.spawn(Arc::clone(tls).keep_current(CERTIFICATES_EVERY));
        }
        if let Some(handle) = state.metrics.clone() {
            background.spawn(telemetry::upkeep(handle, METRICS_EVERY));
        }
        say(&format!("podtrail serves {scheme}://{address}"));
        if assets::has_dashboard() {
            say(&format!("dashboard at {scheme}://{address}/"));
        }
        let asked = stop.clone();
        let serving = tokio::spawn(listen::serve(listener, router, options, async move {
            asked.asked().await;
        }));
        let postgresql = match pg_listener {
            Some(listener) => {
                say(&format!(
                    "podtrail serves postgresql://{}/podtrail",
                    listener.local_addr()?
                ));
                let options = self.postgresql(&state, &access, tls.as_ref())?;
                let asked = stop.clone();
                Some(tokio::spawn(pgwire::serve(listener, options, async move {
                    asked.asked().await;
                })))
            }
            None => None,
        };
        if let Some(ingest) = ingest {
            self.keep_schedule(&ingest, global, &stop, &state).await;
        }
        let cut = serving.await?;
        if let Some(postgresql) = postgresql {
            postgresql.await??;
        }
        background.shutdown().await;
        if cut > 0 {
            say(&format!("{cut} requests were cut off"));
        }
        Ok(Exit::Ok)
    }

    /// Reads what is configured again and again. Asked to stop, it lets the run in work commit what it has.
    async fn keep_schedule(&self, ingest: &Ingest, global: &Global, stop: &Stop, state: &State) {
        let runs = ingest.run_on_schedule(global, stop, &state.schedules);
        let over = async {
            stop.asked().await;
            tokio::time::sleep(self.bounds.drain).await;
        };
        tokio::select! {
            ended = runs => if let Err(error) = ended {
                super::complain(&error);
                if !stop.is_asked() {
                    say("nothing is read on a schedule any more; the service goes on");
                }
            },
            () = over => say("the run in work was cut off; the next one goes on where it was"),
        }
    }

    /// How PostgreSQL clients are served: with the statements' bounds, tokens and certificate of the HTTP API.
    fn postgresql(
        &self,
        state: &State,
        access: &Access,
        tls: Option<&Arc<Tls>>,
    ) -> anyhow::Result<PgOptions> {
        let snapshots = Arc::clone(&state.served);
        let auth: Option<Arc<dyn PasswordCheck>> = match access {
            Access::Loopback => None,
            Access::Tokens(tokens) => Some(Arc::new(Passwords {
                tokens: Arc::clone(tokens),
                clock: Utc::now,
            })),
        };
        let config = tls.map(|tls| tls.config(&["postgresql"])).transpose()?;
        let tls = config.map(|config| -> CurrentTls { Arc::new(move || Arc::clone(&config)) });
        Ok(PgOptions {
            auth,
            tls,
            drain: self.bounds.drain,
            ..PgOptions::new(state.sql.clone(), snapshots)
        })
    }

    fn tls(&self) -> anyhow::Result<Option<Arc<Tls>>> {
        let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) else {
            return Ok(None);
        };
        let tls = Tls::load(certificate.clone(), key.clone())
            .map_err(|error| podtrail_ingest::Error::InvalidInput(error.to_string()))?;
        Ok(Some(Arc::new(tls)))
    }

    fn state(
        &self,
        served: &Arc<Served>,
        sql_workers: &Workers,
        report_workers: &Workers,
    ) -> anyhow::Result<State> {
        let threads = |workers: &Workers| {
            let handle = workers.handle().cloned();
            handle.ok_or_else(|| anyhow::anyhow!("no threads for statements"))
        };
        let (sql, reports) = (threads(sql_workers)?, threads(report_workers)?);
        let queries = Arc::clone(served.engine().queries());
        Ok(State {
            served: Arc::clone(served),
            remembered: Arc::default(),
            reports: Executor::new(reports, self.bounds.reports(), None, Utc::now),
            sql: Executor::new(sql, self.bounds.sql(), Some(queries), Utc::now),
            schedules: Arc::new(Schedules::default()),
            metrics: Some(telemetry::recorder()?),
            clock: Utc::now,
        })
    }
}
