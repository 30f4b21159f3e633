//! Ctrl-C and SIGTERM end the bench in order: what loops asks [`check`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGINT, SIGTERM};

use super::Outcome;

static ASKED_TO_END: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// From here on a signal only sets the flag.
pub(crate) fn listen() -> Outcome {
    let flag = ASKED_TO_END.get_or_init(Arc::default);
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(flag))?;
    }
    Ok(())
}

/// Fails once a signal has come.
pub(crate) fn check() -> Outcome {
    match ASKED_TO_END.get() {
        Some(flag) if flag.load(Ordering::Relaxed) => Err("interrupted".into()),
        Some(_) | None => Ok(()),
    }
}
