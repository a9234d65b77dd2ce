//! `podtrail`: who did that in AWS, down to the pod.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        // Statements are planned here as well.
        .thread_stack_size(podtrail_query::STACK_BYTES)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            cli::complain(&anyhow::Error::from(error).context("cannot start"));
            return cli::Exit::Failed.into();
        }
    };
    let logging = {
        // Spans are sent from the runtime.
        let _inside = runtime.enter();
        cli::start_logging(&arguments.global)
    };
    let exit = match logging {
        Ok(spans) => {
            let exit = runtime.block_on(cli::run(arguments));
            if let Some(spans) = spans {
                spans.end();
            }
            exit
        }
        Err(error) => Err(error),
    };
    // Readers of standard input cannot be interrupted; do not wait for them.
    runtime.shutdown_background();
    match exit {
        Ok(exit) => exit.into(),
        Err(error) => {
            cli::complain(&error);
            cli::Exit::of(&error).into()
        }
    }
}
