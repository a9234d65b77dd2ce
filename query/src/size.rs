//! How deep and wide a statement may be.
//!
//! A chain of operators becomes a tree as deep as it is long, and what walks down a tree needs room on its thread's
//! stack for each step. A statement that is too large is refused before it is parsed, one that nests too much before it is planned.

mod nesting;

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{ObjectName, Query, Visit, Visitor};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::error::{Error, Result};

/// Operators and keywords of a statement. Threads that plan need [`STACK_BYTES`] for it.
pub const MOST_JOINTS: usize = 2_000;

/// Relations that a statement reads. What a WITH names counts as often as it is read: each time it is planned anew.
const MOST_RELATIONS: u64 = 200;

/// Stack of the threads that plan and run statements. Only what is used takes memory.
pub const STACK_BYTES: usize = 64 << 20;

/// Refuses a statement that is too large.
///
/// # Errors
/// [`Error::InvalidQuery`] that says what there is too much of. What cannot be read as SQL at all is left to the parser.
pub fn check_size(sql: &str) -> Result<()> {
    let Ok(tokens) = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize() else {
        return Ok(());
    };
    let tokens = without_explain(tokens);
    let joints = tokens.iter().filter(|token| is_joint(token)).count();
    if joints > MOST_JOINTS {
        return Err(Error::InvalidQuery(format!(
            "the statement has more than {MOST_JOINTS} operators and keywords"
        )));
    }
    if !nesting::can_be_parsed(&tokens) {
        return Err(too_deep());
    }
    let parsed = Parser::new(&PostgreSqlDialect {})
        .with_tokens(tokens)
        .parse_statements();
    let statements = match parsed {
        Ok(statements) => statements,
        // The parser has a bound of its own, for what nests in whatever way.
        Err(ParserError::RecursionLimitExceeded) => return Err(too_deep()),
        Err(_) => return Ok(()),
    };
    if !nesting::can_be_planned(&statements) {
        return Err(too_deep());
    }
    let mut relations = Relations::default();
    let _ = statements.visit(&mut relations);
    if relations.total > MOST_RELATIONS {
        return Err(Error::InvalidQuery(format!(
            "the statement reads more than {MOST_RELATIONS} relations"
        )));
    }
    Ok(())
}

fn too_deep() -> Error {
    Error::InvalidQuery(
        "the statement nests too many functions, parentheses, CASE, NOT, or operators on JSON in each other: json_get(column, 'a', 'b') \
         takes a path at once, and a query in FROM can go on from what another gives"
            .to_owned(),
    )
}

/// Leaves out the EXPLAIN before a statement: the engine knows more forms of it than the parser here, and plans what is explained.
fn without_explain(tokens: Vec<Token>) -> Vec<Token> {
    let keyword = |token: &Token| match token {
        Token::Word(word) => Some(word.keyword),
        _ => None,
    };
    let mut rest = tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| !matches!(token, Token::Whitespace(_)))
        .peekable();
    let explains = rest.next_if(|(_, token)| keyword(token) == Some(Keyword::EXPLAIN));
    if explains.is_none() {
        return tokens;
    }
    while let Some((_, option)) = rest.next_if(|(_, token)| {
        let option = keyword(token);
        matches!(
            option,
            Some(Keyword::ANALYZE | Keyword::VERBOSE | Keyword::FORMAT)
        )
    }) {
        if keyword(option) == Some(Keyword::FORMAT) {
            rest.next();
        }
    }
    let statement = rest.next().map_or(tokens.len(), |(at, _)| at);
    tokens[statement..].to_vec()
}

/// Counts relations, those of what a WITH names as often as it is read.
#[derive(Debug, Default)]
struct Relations {
    total: u64,
    /// Relations of the queries around the place, from the outside in.
    open: Vec<u64>,
    /// Names of the queries of a WITH, by their place in memory.
    names: HashMap<usize, String>,
    /// Relations of what is named. A name that is used again keeps the most.
    named: HashMap<String, u64>,
}

impl Relations {
    fn add(&mut self, count: u64) {
        let sum = self.open.last_mut().unwrap_or(&mut self.total);
        *sum = sum.saturating_add(count);
    }
}

fn place(query: &Query) -> usize {
    std::ptr::from_ref(query) as usize
}

impl Visitor for Relations {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            let name = cte.alias.name.value.to_lowercase();
            self.names.insert(place(&cte.query), name);
        }
        self.open.push(0);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let count = self.open.pop().unwrap_or(0);
        match self.names.get(&place(query)) {
            Some(name) => {
                let most = self.named.entry(name.clone()).or_default();
                *most = count.max(*most).max(1);
            }
            None => self.add(count),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let name = relation.to_string().to_lowercase();
        let count = self.named.get(name.trim_matches('"')).copied().unwrap_or(1);
        self.add(count);
        ControlFlow::Continue(())
    }
}

/// Tells whether a token may make a statement deeper: what is no name, no value and no separator.
fn is_joint(token: &Token) -> bool {
    match token {
        Token::Word(word) => !matches!(
            word.keyword,
            Keyword::NoKeyword | Keyword::NULL | Keyword::TRUE | Keyword::FALSE
        ),
        Token::Whitespace(_)
        | Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::EscapedStringLiteral(_)
        | Token::Placeholder(_)
        | Token::Comma
        | Token::Period
        | Token::SemiColon
        | Token::RParen => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn nested(open: &str, depth: usize) -> String {
        format!("SELECT {}x{}", open.repeat(depth), ")".repeat(depth))
    }

    fn doubling(count: usize) -> String {
        let steps: Vec<String> = (1..count)
            .map(|step| {
                format!(
                    "c{step} AS (SELECT a.n FROM c{0} a CROSS JOIN C{0} b)",
                    step - 1
                )
            })
            .collect();
        format!(
            "WITH c0 AS (SELECT 1 AS n), {} SELECT * FROM c{}",
            steps.join(", "),
            count - 1
        )
    }

    #[test]
    fn what_is_too_deep_or_wide_is_refused_and_long_lists_are_not() {
        let values = vec!["'some value'"; 20_000].join(", ");
        let unions = |count: usize| vec!["SELECT * FROM events"; count].join(" UNION ALL ");
        for (sql, fits) in [
            ("SELECT 1".to_owned(), true),
            (
                format!("SELECT * FROM events WHERE event_name IN ({values})"),
                true,
            ),
            (format!("SELECT 1{}", " + 1".repeat(1_900)), true),
            (format!("SELECT 1{}", " + 1".repeat(2_100)), false),
            (
                format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000)),
                false,
            ),
            (format!("SELECT {}true", "NOT ".repeat(2_100)), false),
            (
                format!("SELECT {}1{}", "(".repeat(100), ")".repeat(100)),
                false,
            ),
            (unions(100), true),
            (unions(300), false),
            (doubling(5), true),
            (doubling(24), false),
            (doubling(100), false),
            (
                "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT * FROM n"
                    .to_owned(),
                true,
            ),
            ("SELECT 'an open text".to_owned(), true),
            (nested("foo(", 13), true),
            (nested("foo(", 15), false),
            (nested("NOT (", 15), false),
            (nested("('a' || ", 20), true),
            (nested("('a' || ", 40), false),
            (nested("lower(", 40), false),
            (nested("\"lower\" (", 40), false),
            (nested("cast(", 40), false),
            (
                format!("SELECT {}x{}", "trim(lower(".repeat(6), "))".repeat(6)),
                false,
            ),
            (
                format!(
                    "SELECT {}x{}",
                    "CASE WHEN ".repeat(20),
                    " IS NOT NULL THEN x END".repeat(20)
                ),
                false,
            ),
            (
                format!("EXPLAIN FORMAT INDENT {}", nested("lower(", 40)),
                false,
            ),
            (
                format!("explain verbose SELECT extra{}", "->'a'".repeat(40)),
                false,
            ),
            (format!("EXPLAIN FORMAT 'indent' {}", doubling(24)), false),
            ("EXPLAIN".to_owned(), true),
            ("EXPLAIN FORMAT TREE SELECT 1".to_owned(), true),
            (nested("lower('a' || ", 15), false),
            (
                format!("SELECT extra{} FROM events", "->'a'".repeat(14)),
                true,
            ),
            (
                format!("SELECT extra{} FROM events", "->'a'".repeat(15)),
                false,
            ),
            (
                format!("SELECT extra{}->>'b' FROM events", "->'a'".repeat(200)),
                false,
            ),
            (
                format!("SELECT {}", vec!["lower(trim(user_agent))"; 200].join(", ")),
                true,
            ),
            (
                [nested("lower(", 12).as_str(); 5].join(" UNION ALL "),
                false,
            ),
        ] {
            let told: String = sql.chars().take(60).collect();
            assert_eq!(check_size(&sql).is_ok(), fits, "{told}");
        }
    }
}
