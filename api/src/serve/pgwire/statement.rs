//! Sorts what a client sends: what reads data goes to the engine, what concerns the connection is answered here, and
//! nothing else is done.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    CloseCursor, Declare, DiscardObject, Expr, FetchDirection, Ident, ObjectName, Query, Reset,
    Set, Statement, TableFactor, TransactionIsolationLevel, TransactionMode, Value, Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::PG_CATALOG_TABLES;
use datafusion_postgres::datafusion_pg_catalog::sql::PostgresCompatibilityParser;
use datafusion_postgres::datafusion_pg_catalog::sql::rules::{
    CurrentUserVariableToSessionUserFunctionCall, FixVersionColumnName, RewritePgCatalogOperator,
    RewriteRegCastToSubquery, SqlStatementRewriteRule, StripCallableQualifier, StripCollate,
};
use datafusion_postgres::pgwire::error::PgWireError;

use super::error::{NOT_SUPPORTED, SYNTAX_ERROR, TOO_COMPLEX, error, of_parser, only_reads};
use super::lacking;

/// What a statement asks for.
#[derive(Debug, Clone)]
pub(super) enum Order {
    /// To read data.
    Read(Box<Statement>),
    /// To read data that is fetched by the name of a cursor.
    Declare(Declared, Box<Statement>),
    /// To give at most so many rows of a cursor.
    Fetch(String, usize),
    /// To end a cursor, or all.
    Close(Option<String>),
    /// To change a setting, to its default for none.
    Set(String, Option<String>),
    /// To forget all settings.
    ResetAll,
    /// To show a setting.
    Show(String),
    /// To show all settings.
    ShowAll,
    /// To begin a transaction.
    Begin,
    /// To end one.
    Commit,
    /// To give one up.
    Rollback,
    /// To go back to a point within one.
    RollbackTo,
    /// To forget a prepared statement, or all.
    Deallocate(Option<String>),
    /// To forget all that the connection holds.
    DiscardAll,
    /// Nothing that needs doing: only its tag is answered.
    Nothing(&'static str),
}

/// A cursor, as it is declared.
#[derive(Debug, Clone)]
pub(super) struct Declared {
    /// Its name.
    pub(super) name: String,
    /// It outlives its transaction.
    pub(super) holds: bool,
}

/// A statement, sorted.
#[derive(Debug, Clone)]
pub(super) struct Sorted {
    /// What it asks for.
    pub(super) order: Order,
    /// Its text.
    pub(super) text: String,
}

/// Reads and sorts statements.
#[derive(Debug)]
pub(super) struct Sorter {
    compatible: PostgresCompatibilityParser,
    faithful: Vec<Box<dyn SqlStatementRewriteRule>>,
}

impl Sorter {
    pub(super) fn new() -> Self {
        Self {
            compatible: PostgresCompatibilityParser::new(),
            // Those rules that cannot change what a statement answers. Others put NULL for a subquery that they
            // cannot have, or one row for many.
            faithful: vec![
                Box::new(StripCallableQualifier),
                Box::new(CurrentUserVariableToSessionUserFunctionCall),
                Box::new(StripCollate),
                Box::new(RewritePgCatalogOperator),
                Box::new(RewriteRegCastToSubquery::new()),
                Box::new(FixVersionColumnName),
            ],
        }
    }

    /// Reads the statements of a text.
    ///
    /// # Errors
    /// Where it is malformed, or has a statement that does more than read.
    pub(super) fn read(&self, text: &str) -> Result<Vec<Sorted>, PgWireError> {
        podtrail_query::check_size(text)
            .map_err(|failure| error(TOO_COMPLEX, failure.to_string()))?;
        let plain = match parse(text) {
            Ok(statements) => statements,
            // Some of what clients ask the catalog is no SQL that the engine knows.
            Err(failure @ ParserError::RecursionLimitExceeded) => return Err(of_parser(failure)),
            Err(failure) => match self.compatible.parse(text) {
                Ok(statements) if statements.iter().all(reads_catalog) => {
                    // Of a text that is no SQL the size was not known.
                    for statement in &statements {
                        podtrail_query::check_size(&statement.to_string())
                            .map_err(|failure| error(TOO_COMPLEX, failure.to_string()))?;
                    }
                    statements
                }
                _ => return Err(of_parser(failure)),
            },
        };
        let only = plain.len() == 1;
        plain
            .into_iter()
            .map(|statement| {
                let text = if only {
                    text.trim().to_owned()
                } else {
                    statement.to_string()
                };
                let order = match declared(statement)? {
                    (Some(declared), query) => {
                        let text = query.to_string();
                        Order::Declare(declared, Box::new(self.rewritten(query, &text)))
                    }
                    (None, statement) => sort(self.rewritten(statement, &text))?,
                };
                Ok(Sorted { order, text })
            })
            .collect()
    }

    /// Writes a statement as the engine wants it: boldly where it reads the catalog alone, else without a change to
    /// what it means.
    fn rewritten(&self, mut statement: Statement, text: &str) -> Statement {
        if reads_catalog(&statement) {
            let rewritten = if lacking::with_search_path(&mut statement) {
                self.compatible.parse(&statement.to_string())
            } else {
                self.compatible.parse(text)
            };
            return match rewritten.map(|mut statements| statements.pop()) {
                Ok(Some(rewritten)) => lacking::left_out(rewritten),
                _ => statement,
            };
        }
        self.faithful
            .iter()
            .fold(statement, |statement, rule| rule.rewrite(statement))
    }
}

fn parse(text: &str) -> Result<Vec<Statement>, ParserError> {
    Parser::parse_sql(&PostgreSqlDialect {}, text)
}

/// Tells whether a statement reads the catalog and nothing else.
fn reads_catalog(statement: &Statement) -> bool {
    let mut relations = Relations::default();
    let _ = statement.visit(&mut relations);
    relations.of_catalog && !relations.of_user
}

/// Whose relations a statement names.
#[derive(Default)]
struct Relations {
    /// Names that it defines itself, and functions.
    own: HashSet<String>,
    of_catalog: bool,
    of_user: bool,
}

impl Visitor for Relations {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let tables = query.with.iter().flat_map(|with| &with.cte_tables);
        self.own
            .extend(tables.map(|table| table.alias.name.value.clone()));
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table {
            name,
            args: Some(_),
            ..
        } = table
        {
            self.own.insert(name.to_string());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let name = relation.to_string();
        let lower = name.to_ascii_lowercase();
        let of_catalog = match lower.split_once('.') {
            Some((schema, _)) => matches!(schema, "pg_catalog" | "information_schema"),
            None => PG_CATALOG_TABLES.contains(&lower.as_str()),
        };
        if !self.own.contains(&name) {
            self.of_catalog |= of_catalog;
            self.of_user |= !of_catalog;
        }
        ControlFlow::Continue(())
    }
}

fn sort(statement: Statement) -> Result<Order, PgWireError> {
    Ok(match statement {
        Statement::Explain {
            statement: inner, ..
        } if !matches!(inner.as_ref(), Statement::Query(_)) => {
            return Err(only_reads(&format!("EXPLAIN {}", kind(&inner))));
        }
        Statement::Query(_)
        | Statement::Explain { .. }
        | Statement::ExplainTable { .. }
        | Statement::ShowTables { .. }
        | Statement::ShowColumns { .. }
        | Statement::ShowFunctions { .. } => Order::Read(Box::new(statement)),
        Statement::Set(set) => return sort_set(set),
        Statement::Reset(reset) => match reset.reset {
            Reset::ALL => Order::ResetAll,
            Reset::ConfigurationParameter(name) => Order::Set(name.to_string(), None),
        },
        Statement::ShowVariable { variable } => {
            let words: Vec<_> = variable.into_iter().map(|word| word.value).collect();
            let name = words.join(" ").to_ascii_lowercase();
            if name == "all" {
                Order::ShowAll
            } else {
                Order::Show(name)
            }
        }
        Statement::StartTransaction {
            modes, statements, ..
        } if statements.is_empty() => {
            read_committed(&modes)?;
            Order::Begin
        }
        Statement::Commit { chain: false, .. } => Order::Commit,
        Statement::Rollback {
            chain: false,
            savepoint: None,
        } => Order::Rollback,
        Statement::Rollback {
            savepoint: Some(_), ..
        } => Order::RollbackTo,
        Statement::Savepoint { .. } => Order::Nothing("SAVEPOINT"),
        Statement::ReleaseSavepoint { .. } => Order::Nothing("RELEASE"),
        Statement::Deallocate { name, .. } => {
            let all = name.quote_style.is_none() && name.value.eq_ignore_ascii_case("all");
            Order::Deallocate((!all).then_some(name.value))
        }
        Statement::Discard {
            object_type: DiscardObject::ALL,
        } => Order::DiscardAll,
        Statement::Discard { .. } => Order::Nothing("DISCARD"),
        Statement::Fetch {
            name,
            direction,
            into: None,
            ..
        } => Order::Fetch(folded(name), forward(&direction)?),
        Statement::Close { cursor } => Order::Close(match cursor {
            CloseCursor::All => None,
            CloseCursor::Specific { name } => Some(folded(name)),
        }),
        Statement::UNLISTEN { .. } => Order::Nothing("UNLISTEN"),
        Statement::Prepare { .. } | Statement::Execute { .. } => {
            return Err(error(
                NOT_SUPPORTED,
                "PREPARE and EXECUTE are not supported: the extended protocol prepares statements",
            ));
        }
        other => return Err(only_reads(&kind(&other))),
    })
}

/// Takes the query out of the declaration of a cursor.
fn declared(statement: Statement) -> Result<(Option<Declared>, Statement), PgWireError> {
    let mut cursors = match statement {
        Statement::Declare { stmts } => stmts,
        other => return Ok((None, other)),
    };
    match cursors.pop() {
        Some(Declare {
            mut names,
            binary: None | Some(false),
            scroll: None | Some(false),
            hold,
            for_query: Some(query),
            ..
        }) => {
            let declared = Declared {
                name: names.pop().map(folded).unwrap_or_default(),
                holds: hold == Some(true),
            };
            Ok((Some(declared), Statement::Query(query)))
        }
        _ => Err(only_forward()),
    }
}

/// How many rows are to be fetched.
fn forward(direction: &FetchDirection) -> Result<usize, PgWireError> {
    let count = match direction {
        FetchDirection::Next | FetchDirection::Forward { limit: None } => return Ok(1),
        FetchDirection::All | FetchDirection::ForwardAll => return Ok(usize::MAX),
        FetchDirection::Count { limit } | FetchDirection::Forward { limit: Some(limit) } => limit,
        _ => return Err(only_forward()),
    };
    count
        .to_string()
        .parse()
        .map_err(|_| error(SYNTAX_ERROR, format!("{count} is no number of rows")))
}

fn only_forward() -> PgWireError {
    error(
        NOT_SUPPORTED,
        "cursors go forward only, and are neither SCROLL nor BINARY",
    )
}

/// A name as it is known: in small letters, unless it is quoted.
fn folded(name: Ident) -> String {
    match name.quote_style {
        Some(_) => name.value,
        None => name.value.to_lowercase(),
    }
}

fn sort_set(set: Set) -> Result<Order, PgWireError> {
    Ok(match set {
        Set::SingleAssignment {
            variable, values, ..
        } => match values.as_slice() {
            [Expr::Identifier(word)] if word.value.eq_ignore_ascii_case("default") => {
                Order::Set(variable.to_string(), None)
            }
            values => {
                let values: Vec<_> = values.iter().map(value_of).collect();
                Order::Set(variable.to_string(), Some(values.join(", ")))
            }
        },
        Set::SetTimeZone { value, .. } => {
            let value = value_of(&value);
            let default = matches!(value.to_ascii_lowercase().as_str(), "default" | "local");
            Order::Set("timezone".to_owned(), (!default).then_some(value))
        }
        Set::SetNames { charset_name, .. } => {
            Order::Set("client_encoding".to_owned(), Some(charset_name.value))
        }
        Set::SetTransaction {
            modes,
            snapshot: None,
            ..
        } => {
            read_committed(&modes)?;
            Order::Nothing("SET")
        }
        other => return Err(only_reads(&other.to_string())),
    })
}

/// Gives a value as it would be shown.
fn value_of(value: &Expr) -> String {
    match value {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => text.clone(),
            other => other.to_string(),
        },
        Expr::Identifier(word) if word.quote_style.is_some() => word.value.clone(),
        other => other.to_string(),
    }
}

/// Refuses a transaction that should see one snapshot: each statement sees the newest.
fn read_committed(modes: &[TransactionMode]) -> Result<(), PgWireError> {
    let refused = modes.iter().any(|mode| {
        matches!(
            mode,
            TransactionMode::IsolationLevel(
                TransactionIsolationLevel::RepeatableRead
                    | TransactionIsolationLevel::Serializable
                    | TransactionIsolationLevel::Snapshot
            )
        )
    });
    if refused {
        return Err(error(
            NOT_SUPPORTED,
            "transactions are READ COMMITTED: each statement reads the newest snapshot",
        ));
    }
    Ok(())
}

/// Names a statement by its first words; what it holds is not repeated.
fn kind(statement: &Statement) -> String {
    let text = statement.to_string();
    let mut words = text.split_whitespace();
    match (words.next(), words.next()) {
        (Some(first @ ("CREATE" | "ALTER" | "DROP")), Some(second)) => {
            format!("{first} {second}")
        }
        (Some(first), _) => first.to_owned(),
        _ => "the statement".to_owned(),
    }
}

#[cfg(test)]
mod tests;
