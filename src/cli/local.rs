//! The stored catalog, for commands without a running service.

use axum::http::Uri;
use chrono::Utc;
use registry_planning::catalogue::Catalogue;
use reqwest::Url;

use super::{catalogue, resolve};
use crate::settings::ProcessSettings;

/// Reads the stored catalog, or the one that a service without a stored one serves.
pub(super) async fn stored_catalogue(settings: &ProcessSettings) -> anyhow::Result<Catalogue> {
    let store = resolve(settings).await?.store;
    let found = catalogue(&*store, settings, Utc::now()).await;
    store.close().await;
    found
}

pub(super) fn query_uri(query: &[(&str, String)]) -> anyhow::Result<Uri> {
    let url = Url::parse_with_params("http://localhost/", query)?;
    Ok(format!("/?{}", url.query().unwrap_or_default()).parse()?)
}
