//! The form of ids.

/// Whether the text has the form of the id of a profile.
pub(super) fn is_profile_id(text: &str) -> bool {
    is_id(text, "profile_")
}

/// Whether the text is the prefix and 32 lowercase hexadecimal digits.
pub(super) fn is_id(text: &str, prefix: &str) -> bool {
    let is_hex = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
    text.strip_prefix(prefix).is_some_and(|digits| digits.len() == 32 && digits.bytes().all(is_hex))
}
