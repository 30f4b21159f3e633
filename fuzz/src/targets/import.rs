//! Configuration files of other git servers.

use crate::gitolite::{Conf, parse};

/// Arbitrary text as a `gitolite.conf`.
///
/// Every grant is for one user on one repository, from a line of the file. If a line denies all users anything, no user
/// gets a grant there, whatever follows.
pub fn gitolite_conf(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Conf { grants, left } = parse(text);
    let lines = text.lines().count();
    for grant in &grants {
        assert!((1..=lines).contains(&grant.line), "{grant:?}");
        assert!(!grant.user.contains('@') || !grant.user.starts_with('@'), "{grant:?}");
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
        assert!(grant.repository.bytes().all(plain), "{grant:?}");
        let same = grants.iter().filter(|other| (&other.repository, &other.user) == (&grant.repository, &grant.user));
        assert_eq!(same.count(), 1, "{grant:?}");
    }
    assert!(left.iter().all(|left| (1..=lines).contains(&left.line) && !left.what.is_empty()));
    assert_eq!(parse(text), Conf { grants: grants.clone(), left });
    let refusal = "\nrepo @all\n    - = @all\n";
    assert!(parse(&format!("{text}{refusal}")).grants.is_empty());
    assert!(parse(&format!("{refusal}{text}")).grants.is_empty());
    if let Some(grant) = grants.first() {
        let one = format!("{text}\nrepo {}\n    - x = {}\n", grant.repository, grant.user);
        assert!(!parse(&one).grants.contains(grant));
    }
    !grants.is_empty()
}
