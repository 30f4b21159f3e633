//! All targets in one program, because linking one program per target takes minutes. `HUBGATE_FUZZ_TARGET` selects the
//! target.
#![no_main]

use std::sync::OnceLock;

static TARGET: OnceLock<fn(&[u8]) -> bool> = OnceLock::new();

libfuzzer_sys::fuzz_target!(
    init: {
        let name = std::env::var("HUBGATE_FUZZ_TARGET").unwrap_or_default();
        let target = hubgate_fuzz::TARGETS.iter().find(|(known, _)| *known == name);
        let (_, target) = target.unwrap_or_else(|| panic!("HUBGATE_FUZZ_TARGET names no target: {name:?}"));
        TARGET.get_or_init(|| *target);
    },
    |data: &[u8]| {
        let target = TARGET.get().expect("set before the first input");
        target(data);
    }
);
