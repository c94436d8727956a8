//! Cache keys and references to profiles.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::hex;

/// SHA-256 over everything that a plan depends on. Equal requests have equal keys on every replica.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CacheKey(pub [u8; 32]);

impl fmt::Display for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CacheKey({self})")
    }
}

/// The profile that a plan was created from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProfileReference {
    /// The id of the profile.
    #[cfg_attr(feature = "openapi", schema(pattern = "^profile_[0-9a-f]{32}$"))]
    pub profile_id: String,
    /// The version of the profile.
    pub version: u32,
}
