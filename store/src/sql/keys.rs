//! Queries and rows of the table `idempotency_keys`.

use super::columns::{Columns, column};
use crate::error::StoreError;
use crate::idempotency::{StoredAnswer, digest};

pub(crate) const READ_LIVE: &str = "
    select request_digest, answer
    from idempotency_keys
    where scope = $1
        and key = $2
        and expires_at > $3";

pub(crate) const RELEASE: &str = "
    delete from idempotency_keys
    where scope = $1
        and key = $2";

pub(crate) fn stored_answer(row: &impl Columns) -> Result<StoredAnswer, StoreError> {
    Ok(StoredAnswer { digest: digest(column(row, "request_digest")?)?, answer: column(row, "answer")? })
}
