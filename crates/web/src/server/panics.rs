use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook};

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// What a caught panic said, and where it happened if [`log_panics`] is in force.
pub(super) struct Panic {
    pub(super) message: String,
    pub(super) place: Option<String>,
}

/// Sends panics to the log instead of standard error.
///
/// A panic inside a request is logged once, with the request, by the edge; any other one here.
pub fn log_panics() {
    set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        let place = info.location().map(ToString::to_string);
        if CATCHING.get() {
            PLACE.with_borrow_mut(|noted| *noted = place);
        } else {
            let message = message(info.payload());
            tracing::error!(message, place, "a background task panicked");
        }
    }));
}

/// Runs one poll of a request's future and catches its panic.
pub(super) fn catch<T>(poll: impl FnOnce() -> T) -> Result<T, Panic> {
    let outer = CATCHING.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(poll));
    CATCHING.set(outer);
    outcome.map_err(|payload| Panic {
        message: message(payload.as_ref()).to_owned(),
        place: PLACE.take(),
    })
}

fn message(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        "a panic without a text"
    }
}
