//! How deep and wide a statement may be.
//!
//! A chain of operators becomes a tree as deep as it is long, and what walks down a tree needs room on its thread's
//! stack for each step. A statement that is too large is refused before it is parsed.

use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::error::{Error, Result};

/// Operators and keywords of a statement. Threads that plan need [`STACK_BYTES`] for it.
pub const MOST_JOINTS: usize = 2_000;

/// Names of relations of a statement: each FROM and JOIN, and each comma between relations, is one more to plan.
const MOST_JOINS: usize = 200;

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
    let joints = tokens.iter().filter(|token| is_joint(token)).count();
    if joints > MOST_JOINTS {
        return Err(Error::InvalidQuery(format!(
            "the statement has more than {MOST_JOINTS} operators and keywords"
        )));
    }
    let joins = tokens.iter().filter(|token| is_join(token)).count();
    if joins > MOST_JOINS {
        return Err(Error::InvalidQuery(format!(
            "the statement reads more than {MOST_JOINS} relations"
        )));
    }
    Ok(())
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

fn is_join(token: &Token) -> bool {
    matches!(token, Token::Word(word) if matches!(word.keyword, Keyword::FROM | Keyword::JOIN | Keyword::UNION))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_too_deep_or_wide_is_refused_and_long_lists_are_not() {
        let values = vec!["'some value'"; 20_000].join(", ");
        let unions = |count: usize| vec!["SELECT 1"; count].join(" UNION ALL ");
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
            (unions(100), true),
            (unions(300), false),
            ("SELECT 'an open text".to_owned(), true),
        ] {
            let told: String = sql.chars().take(60).collect();
            assert_eq!(check_size(&sql).is_ok(), fits, "{told}");
        }
    }
}
