//! Contains panics of work for a request, so that only the request fails and not its actor.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt;

/// Runs `work` and returns its result, or the message of its panic. After a panic, do not use data that the work has
/// changed.
pub(crate) fn contain<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| message(&*panic))
}

/// Runs async work; see [`contain`].
pub(crate) async fn contain_async<T>(work: impl Future<Output = T>) -> Result<T, String> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|panic| message(&*panic))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_returned_as_its_message() {
        let number = 7;

        assert_eq!(contain(|| number), Ok(7));
        assert_eq!(contain(|| -> u8 { panic!("of a test") }), Err("of a test".to_owned()));
        assert_eq!(contain(|| -> u8 { panic!("of test {number}") }), Err("of test 7".to_owned()));
        assert_eq!(contain_async(async { number }).await, Ok(7));
        assert_eq!(contain_async(async { panic!("of test {number}") }).await, Err::<u8, _>("of test 7".to_owned()));
    }
}
