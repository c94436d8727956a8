//! Explains indices in the form of tickers: without the spaces of the key, and with a suffix.

use super::Help;
use crate::catalogue::Catalogue;
use crate::vocabulary::Exchange;

/// The ending of Fyers' tickers of indices.
const SUFFIX: &str = "-INDEX";

/// Describes the index that a symbol means; `None` if no index of the exchange has that name.
pub(super) fn explain(catalogue: &Catalogue, exchange: Exchange, symbol: &str) -> Option<Help> {
    let upper = symbol.trim().to_ascii_uppercase();
    let name = upper.strip_suffix(SUFFIX).unwrap_or(&upper);
    let alias = catalogue.find(&format!("{exchange}:{name}")).map(|id| catalogue.target(id));
    let mut listed = catalogue.indices(exchange).filter(|id| catalogue.get(*id).is_active());
    let found = listed.find(|id| Some(*id) == alias || dense(catalogue.get(*id).symbol()).eq(dense(name)))?;
    let key = catalogue.key(found);
    Some(Help::new(format!("the key of the index is `{key}`"), vec![key.to_owned()]))
}

/// Returns the characters of a name without spaces, in capital letters.
fn dense(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().filter(|byte| *byte != b' ').map(|byte| byte.to_ascii_uppercase())
}
