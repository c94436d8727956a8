//! The document of a difference.

use std::borrow::Cow;

use super::{Change, ChangeKind, Diff};
use crate::ingest::document::{self, DocumentError, Form, Rows};

const FORM: Form<4> =
    Form { kind: "diff", version: 1, columns: ["kind", "instrument_key", "before", "after"], earlier: &[] };

impl Diff {
    /// Writes every change as a document.
    pub fn write(&self) -> Vec<u8> {
        fn row(change: &Change) -> [Cow<'_, str>; 4] {
            let Change { kind, key, before, after } = change;
            [kind.as_str(), key, before, after].map(Cow::Borrowed)
        }
        document::write(&FORM, self.changes.iter().map(row))
    }
}

/// Reads the first changes of a document, at most `limit`; if `kind` is given, only changes of that kind.
///
/// # Errors
/// [`DocumentError`] if [`Diff::write`] did not write the document, as far as it has to be read.
pub fn read_changes(bytes: &[u8], kind: Option<ChangeKind>, limit: usize) -> Result<Vec<Change>, DocumentError> {
    let mut rows = Rows::new(&FORM, bytes)?;
    let mut changes = Vec::with_capacity(limit.min(usize::try_from(rows.expected()).unwrap_or(usize::MAX)).min(4096));
    while changes.len() < limit
        && let Some(fields) = rows.next()?
    {
        let found = fields.parsed(0, ChangeKind::parse)?;
        if kind.is_none_or(|kind| kind == found) {
            let text = |column| fields.text(column).to_owned();
            changes.push(Change { kind: found, key: text(1), before: text(2), after: text(3) });
        }
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::super::diff;
    use super::*;
    use crate::ingest::archive::BrokerState;
    use crate::testing::equity;

    fn some_diff() -> Diff {
        let was = equity("NSE", "TCS", "INE467B01029");
        let is = crate::dump::Row { lot_size: 7, token: "t".into(), ..was.clone() };
        diff(&[was, equity("NSE", "INFY", "INE009A01021")], &[is, equity("NSE", "ACC", "INE012A01025")])
    }

    #[test]
    fn every_change_survives_writing_and_reading() {
        let diff = some_diff();

        assert_eq!(read_changes(&diff.write(), None, usize::MAX).unwrap(), diff.changes);
        assert_eq!(diff.changes.len(), 4);
        assert_eq!(read_changes(&Diff::default().write(), None, 10).unwrap(), []);
    }

    #[test]
    fn changes_are_selected_by_kind_and_limit() {
        let document = some_diff().write();
        let keys = |kind, limit| -> Vec<String> {
            read_changes(&document, kind, limit).unwrap().into_iter().map(|change| change.key).collect()
        };

        assert_eq!(keys(None, 2), ["NSE:ACC", "NSE:INFY"]);
        assert_eq!(keys(Some(ChangeKind::LotChanged), 2), ["NSE:TCS"]);
        assert_eq!(keys(Some(ChangeKind::SeriesChanged), 2), [""; 0]);
        assert_eq!(keys(None, 0), [""; 0]);
    }

    #[test]
    fn another_document_is_rejected() {
        let error = read_changes(&BrokerState::default().write(), None, 1).unwrap_err().to_string();

        assert!(error.starts_with("expected the title `instrument-registry,diff,1`"), "{error}");
    }
}
