use super::*;

#[test]
fn scopes_include_those_before_them() {
    for (given, allowed, shown) in [
        (&[][..], &[][..], ""),
        (&[Scope::Read], &[Scope::Read], "read"),
        (&[Scope::Sql], &[Scope::Read, Scope::Sql], "read,sql"),
        (
            &[Scope::Sql, Scope::Read],
            &[Scope::Read, Scope::Sql],
            "read,sql",
        ),
        (&[Scope::Admin], &Scope::ALL, "read,sql,admin"),
    ] {
        let scopes: Scopes = given.iter().copied().collect();
        assert_eq!(scopes.iter().collect::<Vec<_>>(), allowed, "{given:?}");
        assert_eq!(scopes.is_empty(), allowed.is_empty(), "{given:?}");
        assert_eq!(scopes.to_string(), shown);
        for scope in Scope::ALL {
            assert_eq!(
                scopes.allows(scope),
                allowed.contains(&scope),
                "{given:?} {scope}"
            );
        }
    }
}

#[test]
fn scopes_are_read_as_they_are_written() {
    for scope in Scope::ALL {
        assert_eq!(scope.to_string().parse(), Ok(scope));
        assert_eq!(
            serde_json::to_string(&scope).unwrap(),
            format!("\"{scope}\"")
        );
    }
    for text in ["", "Read", "write", "read,sql", " sql"] {
        assert!(text.parse::<Scope>().is_err(), "{text}");
    }
}
