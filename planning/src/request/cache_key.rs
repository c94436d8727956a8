//! The key under which a plan is cached.

use chrono::Datelike;
use sha2::{Digest, Sha256};

use super::{PlanRequest, Resolved};
use crate::basis::Basis;
use crate::feed::{Accounts, StreamOptions};
use crate::previous::{PlacedConnection, PreviousPlan};
use crate::source::{ItemOptions, ProfileSource, Source};
use crate::vocabulary::{Broker, CacheKey, Mode, PlacementStrategy, hex};

/// Encodes every field with its length or at a fixed width, so that no two requests have the same encoding; the first
/// text states which fields follow. The rules of a profile are not among them, because a version always has the same
/// rules.
pub(super) fn cache_key(
    request: &PlanRequest,
    resolved: &Resolved,
    basis: Basis<'_>,
    snapshot_hash: &[u8; 32],
) -> CacheKey {
    let Resolved { keys, items, warnings, .. } = resolved;
    let options = &request.options;
    let profile = request.source.profile();
    let mut buffer = Vec::with_capacity(128 + request.user_id.len() + keys.text_bytes() + 4 * items.len());
    let mut text = |text: &str| {
        buffer.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
        buffer.extend_from_slice(text.as_bytes());
    };
    let has_feed = !request.feed.is_empty() || !warnings.is_empty();
    let has_items = matches!(request.source, Source::Items(_));
    if has_items {
        text("plan of items 1");
        for options in items.iter().map(|item| resolved.options_of(item.position)) {
            options_texts(options, &mut text);
        }
    }
    if let Some(broker) = request.feed.broker {
        text("plan at a broker 2");
        text(&hex(basis.brokers.capacity().content_hash()));
        allocation_texts(broker, &request.feed, &mut text);
    }
    text(match (profile.map(|profile| profile.is_strict), has_feed) {
        (None, false) => "plan 1",
        (None, true) => "plan with feed 1",
        (Some(false), false) => "plan of a profile 1",
        (Some(false), true) => "plan of a profile with feed 1",
        (Some(true), false) => "plan of a strict profile 1",
        (Some(true), true) => "plan of a strict profile with feed 1",
    });
    if let Some(ProfileSource { reference, .. }) = profile {
        text(&reference.profile_id);
        text(&reference.version.to_string());
    }
    if has_feed {
        feed_texts(&request.feed, &mut text);
        // A plan is returned with the warnings of the time when it was created.
        text(&warnings.len().to_string());
        warnings.iter().for_each(|warning| text(warning));
    }
    text(&request.user_id);
    text(request.subscription_type.as_str());
    text(options.optimization_level.as_str());
    text(options.filtering_strictness.as_str());
    for item in items {
        text(keys.key(item.position as usize));
    }
    buffer.extend_from_slice(&options.max_instruments.to_le_bytes());
    buffer.extend_from_slice(&options.cost_per_instrument.ten_thousandths().to_le_bytes());
    buffer.extend_from_slice(&options.as_of.num_days_from_ce().to_le_bytes());
    buffer.extend_from_slice(snapshot_hash);
    CacheKey(Sha256::digest(&buffer).into())
}

/// Passes on the options of one key as texts.
fn options_texts(options: ItemOptions, text: &mut impl FnMut(&str)) {
    let ItemOptions { mode, min_mode, priority, is_pinned } = options;
    text(mode.map_or("", Mode::as_str));
    text(min_mode.map_or("", Mode::as_str));
    text(&priority.to_string());
    text(if is_pinned { "pinned" } else { "" });
}

/// Passes on the options that only a plan with a broker has. Each list begins with its length.
fn allocation_texts(broker: Broker, feed: &StreamOptions, text: &mut impl FnMut(&str)) {
    text(broker.as_str());
    text(feed.min_mode.map_or("", Mode::as_str));
    text(&feed.min_modes.len().to_string());
    for (key, mode) in &feed.min_modes {
        text(key);
        text(mode.as_str());
    }
    text(&feed.pinned.len().to_string());
    feed.pinned.iter().for_each(|key| text(key));
    text(feed.tier.as_deref().unwrap_or_default());
    match &feed.accounts {
        None => text("default"),
        Some(Accounts::Count(count)) => text(&count.to_string()),
        Some(Accounts::Named(names)) => {
            text("named");
            text(&names.len().to_string());
            names.iter().for_each(|name| text(name));
        }
    }
    text(&feed.connections.unwrap_or_default().to_string());
    // Without these options, the key is that of earlier releases.
    if feed.placement.is_some() || feed.previous.is_some() {
        text("placement");
        text(feed.placement.map_or("", PlacementStrategy::as_str));
        previous_texts(feed.previous.as_ref(), text);
    }
}

/// Passes on the placement of a previous plan, because nothing else of it affects the plan: plans with the same
/// placement are equivalent.
fn previous_texts(previous: Option<&PreviousPlan>, text: &mut impl FnMut(&str)) {
    let Some(previous) = previous else { return };
    text(if previous.is_rebalanced { "rebalanced" } else { "kept" });
    let Some(placement) = &previous.placement else {
        text(&previous.plan_id);
        return;
    };
    text(&placement.connections.len().to_string());
    for (PlacedConnection { connection, account, endpoint }, keys) in placement.by_connection() {
        text(&connection.to_string());
        text(account);
        text(endpoint);
        text(&keys.len().to_string());
        keys.into_iter().for_each(&mut *text);
    }
}

/// Passes on the stream options as texts. Each list begins with its length.
fn feed_texts(feed: &StreamOptions, text: &mut impl FnMut(&str)) {
    text(feed.broker.map_or("", Broker::as_str));
    text(feed.mode.map_or("", Mode::as_str));
    text(&feed.modes.len().to_string());
    for (key, mode) in &feed.modes {
        text(key);
        text(mode.as_str());
    }
    text(&feed.priorities.len().to_string());
    for (key, priority) in &feed.priorities {
        text(key);
        text(&priority.to_string());
    }
}
