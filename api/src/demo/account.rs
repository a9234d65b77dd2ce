//! AWS accounts and IAM roles.

use std::rc::Rc;

use super::rng::Rng;

/// An AWS account whose trail is delivered.
#[derive(Debug)]
pub(super) struct Account {
    /// Position among the accounts of the history.
    pub(super) index: usize,
    /// Twelve digits.
    pub(super) id: String,
    /// Egress addresses of the account's NAT gateways, one per zone.
    pub(super) nat: Vec<Rc<str>>,
}

/// An IAM role.
#[derive(Debug)]
pub(super) struct Role {
    pub(super) account: Rc<Account>,
    pub(super) name: String,
    /// ARN with the path.
    pub(super) arn: Rc<str>,
    /// Unique id, `AROA…`.
    pub(super) id: String,
}

impl Account {
    /// Makes an account with made-up egress addresses of the documentation
    /// ranges (RFC 5737).
    pub(super) fn new(index: usize, id: &str, rng: &mut Rng) -> Rc<Self> {
        let nat = ["203.0.113", "198.51.100", "192.0.2"]
            .iter()
            .map(|net| Rc::from(format!("{net}.{}", rng.between(2, 250))))
            .collect();
        Rc::new(Self {
            index,
            id: id.to_owned(),
            nat,
        })
    }

    /// Returns the egress address of a zone.
    pub(super) fn nat(&self, zone: usize) -> Rc<str> {
        Rc::clone(&self.nat[zone % self.nat.len()])
    }
}

/// FNV-1a, because the standard library's hashes may change.
pub(super) fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl Role {
    /// Makes a role; `path` starts and ends with `/`.
    ///
    /// The unique id follows from the ARN, so that a role is the same role
    /// wherever in the cast it is named.
    pub(super) fn new(account: &Rc<Account>, path: &str, name: &str) -> Rc<Self> {
        let arn = format!("arn:aws:iam::{}:role{path}{name}", account.id);
        Rc::new(Self {
            account: Rc::clone(account),
            name: name.to_owned(),
            id: Rng::new(fnv1a(&arn)).iam_id("AROA"),
            arn: Rc::from(arn),
        })
    }

    /// Returns the path, which starts and ends with `/`.
    pub(super) fn path(&self) -> &str {
        let tail = self.arn.split_once(":role").map_or("/", |(_, tail)| tail);
        tail.strip_suffix(self.name.as_str()).unwrap_or("/")
    }

    /// Returns the ARN of a session, which drops the role's path.
    pub(super) fn session_arn(&self, session: &str) -> String {
        format!(
            "arn:aws:sts::{}:assumed-role/{}/{session}",
            self.account.id, self.name
        )
    }
}
