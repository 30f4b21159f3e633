use super::*;

#[test]
fn in_force_is_logged_as_one_word() {
    let all = Ok(7);
    let held = |landlock, seccomp| InForce::Box { landlock, seccomp }.to_string();
    assert_eq!(InForce::Off.to_string(), "off");
    assert_eq!(held(all, Ok(())), "landlock7+seccomp");
    assert_eq!(held(Err(NoLandlock::TooOld(1)), Ok(())), "no-landlock(abi1)+seccomp");
    assert_eq!(held(Err(NoLandlock::Kernel(Errno::ENOSYS)), Ok(())), "no-landlock(ENOSYS)+seccomp");
    assert_eq!(held(all, Err(Errno::EINVAL)), "landlock7+no-seccomp(EINVAL)");
}

#[test]
fn a_push_needs_a_landlock_version_that_allows_renames() {
    let newest = sys::landlock_abi();
    if newest.is_err() {
        return;
    }
    assert_eq!(filesystem::usable(true, 1), Err(NoLandlock::TooOld(1)));
    assert_eq!(filesystem::usable(false, 1), Ok(1));
    if newest.is_ok_and(|newest| newest >= 2) {
        assert_eq!(filesystem::usable(true, 2), Ok(2));
    }
    assert_eq!(filesystem::usable(false, 0), Err(NoLandlock::Kernel(Errno::ENOSYS)));
}

#[test]
fn a_mode_has_the_word_of_the_configuration() {
    for mode in Mode::ALL {
        let text = format!("mode = \"{mode}\"");
        let table: std::collections::BTreeMap<String, Mode> = toml::from_str(&text).expect("a mode");
        assert_eq!(table.get("mode"), Some(mode));
    }
}
