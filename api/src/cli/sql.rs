//! `podtrail sql`: one statement, or a prompt.

use std::borrow::Cow;
use std::io::IsTerminal;
use std::path::PathBuf;

use podtrail_query::{Engine, FUNCTIONS, Session};
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Config, Context, Editor, Helper};

use super::{Exit, Global, complain, engine, output, say, texts};

/// Statements kept in the history file.
const HISTORY: usize = 1_000;

const HELP: &str = "\
Statements end with ; and may span lines. Tab completes tables, columns and functions.
  \\d         tables and views
  \\d NAME    columns of one
  \\f         functions of podtrail
  \\q         quit";

#[derive(Debug, clap::Args)]
pub(crate) struct Sql {
    /// One read-only statement; without it, a prompt on a terminal, else standard input
    query: Option<String>,
    /// File that keeps the prompt's history
    #[arg(long, env = "PODTRAIL_HISTORY", value_name = "FILE")]
    history: Option<PathBuf>,
}

impl Sql {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let engine = engine(global).await?;
        if let Some(query) = &self.query {
            return statement(&engine, query, global).await;
        }
        if !std::io::stdin().is_terminal() {
            let query =
                tokio::task::spawn_blocking(|| std::io::read_to_string(std::io::stdin())).await??;
            return statement(&engine, &query, global).await;
        }
        self.prompt(&engine, global).await
    }

    async fn prompt(&self, engine: &Engine, global: &Global) -> anyhow::Result<Exit> {
        let words = words(&engine.session().await?).await?;
        let config = Config::builder()
            .max_history_size(HISTORY)?
            .auto_add_history(true)
            .build();
        let mut editor: Editor<Words, DefaultHistory> = Editor::with_config(config)?;
        editor.set_helper(Some(Words(words)));
        let history = self.history.clone().or_else(default_history);
        if let Some(file) = &history {
            // A missing history is an empty one.
            let _ = editor.load_history(file);
        }
        if !global.quiet {
            say("podtrail SQL, read-only. \\h for help, \\q to quit.");
        }
        loop {
            // Reading keys blocks; nothing else runs meanwhile.
            match tokio::task::block_in_place(|| editor.readline("podtrail> ")) {
                Ok(line) => {
                    if self.answer(engine, line.trim(), global).await {
                        break;
                    }
                }
                Err(ReadlineError::Interrupted) => {}
                Err(ReadlineError::Eof) => break,
                Err(error) => return Err(error.into()),
            }
        }
        if let Some(file) = &history {
            if let Some(folder) = file.parent() {
                let _ = std::fs::create_dir_all(folder);
            }
            if let Err(error) = editor.save_history(file) {
                tracing::warn!(%error, file = %file.display(), "history not saved");
            }
        }
        Ok(Exit::Ok)
    }

    /// Answers one input. True to quit.
    async fn answer(&self, engine: &Engine, line: &str, global: &Global) -> bool {
        let query = match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            [] => return false,
            ["\\q" | "quit" | "exit"] => return true,
            ["\\h" | "help"] => {
                say(HELP);
                return false;
            }
            ["\\f"] => {
                for function in FUNCTIONS {
                    say(&format!("{}\n    {}", function.usage, function.doc));
                }
                return false;
            }
            ["\\d"] => "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name".to_owned(),
            ["\\d", name] => format!(
                "SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_name = '{}'",
                name.trim_end_matches(';').replace('\'', "''")
            ),
            _ => line.to_owned(),
        };
        if let Err(error) = statement(engine, &query, global).await {
            complain(&error);
        }
        false
    }
}

async fn statement(engine: &Engine, query: &str, global: &Global) -> anyhow::Result<Exit> {
    let session = engine.session().await?;
    output::print(
        global,
        session.sql(query.trim().trim_end_matches(';')).await?,
    )
    .await?;
    Ok(Exit::Ok)
}

fn default_history() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| {
            std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local").join("state"))
        })?;
    Some(state.join("podtrail").join("sql_history"))
}

/// What Tab completes: tables, columns, functions, keywords.
async fn words(session: &Session) -> anyhow::Result<Vec<String>> {
    let mut words: Vec<String> = [
        "SELECT",
        "FROM",
        "WHERE",
        "GROUP BY",
        "ORDER BY",
        "LIMIT",
        "HAVING",
        "JOIN",
        "LEFT JOIN",
        "USING",
        "AND",
        "NOT",
        "IN",
        "LIKE",
        "IS NULL",
        "IS NOT NULL",
        "DISTINCT",
        "COUNT",
        "DESC",
        "WITH",
        "BETWEEN",
        "INTERVAL",
    ]
    .map(str::to_owned)
    .to_vec();
    words.extend(
        FUNCTIONS
            .iter()
            .filter_map(|function| Some(function.usage.split_once('(')?.0.to_owned())),
    );
    let names = "SELECT DISTINCT arrow_cast(word, 'Utf8') FROM (SELECT table_name AS word FROM information_schema.tables WHERE table_schema = 'public'
             UNION ALL SELECT column_name FROM information_schema.columns WHERE table_schema = 'public') ORDER BY 1";
    words.extend(texts(session, names).await?);
    Ok(words)
}

struct Words(Vec<String>);

impl Helper for Words {}
impl Hinter for Words {
    type Hint = String;
}
impl Highlighter for Words {
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        Cow::Borrowed(prompt)
    }
}

impl Validator for Words {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input().trim();
        let whole = text.is_empty()
            || text.starts_with('\\')
            || text.ends_with(';')
            || ["quit", "exit", "help"].contains(&text);
        Ok(if whole {
            ValidationResult::Valid(None)
        } else {
            ValidationResult::Incomplete
        })
    }
}

impl Completer for Words {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        end: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let before = &line[..end];
        let start = before
            .rfind(|c: char| !c.is_alphanumeric() && c != '_')
            .map_or(0, |at| at + 1);
        // `rfind` gives the start of a character that may be longer than a byte.
        let start = (start..=end)
            .find(|&at| line.is_char_boundary(at))
            .unwrap_or(end);
        let typed = line[start..end].to_lowercase();
        if typed.is_empty() {
            return Ok((end, Vec::new()));
        }
        let fitting = self
            .0
            .iter()
            .filter(|word| word.to_lowercase().starts_with(&typed));
        Ok((
            start,
            fitting
                .map(|word| Pair {
                    display: word.clone(),
                    replacement: word.clone(),
                })
                .collect(),
        ))
    }
}
