//! The `tracestate` of a caller, which is passed on.

use std::collections::HashSet;

const MEMBERS_MAX: usize = 32;
/// Maximum length that is passed on, in characters.
const LENGTH_MAX: usize = 512;
/// Members that are longer are dropped first.
const SHORT_MEMBER_MAX: usize = 128;
/// Maximum length of a key, and of a value.
const PART_MAX: usize = 256;

/// Returns the `tracestate` to pass on: the members of all headers in their order. `None` if no header has a member, or
/// if one is invalid. If it is too long, members are dropped: those of more than 128 characters first, then the last
/// ones.
pub(super) fn propagated_state<'h>(headers: impl Iterator<Item = &'h [u8]>) -> Option<Box<str>> {
    let mut members = Vec::new();
    let mut keys = HashSet::new();
    for header in headers {
        for member in std::str::from_utf8(header).ok()?.split(',') {
            let member = member.trim_matches([' ', '\t']);
            // Empty members are allowed.
            if member.is_empty() {
                continue;
            }
            if !keys.insert(key_of(member)?) || members.len() == MEMBERS_MAX {
                return None;
            }
            members.push(member);
        }
    }
    // With the commas between the members.
    let mut length = (members.iter().map(|member| member.len() + 1).sum::<usize>()).checked_sub(1)?;
    while length > LENGTH_MAX {
        let long = members.iter().rposition(|member| member.len() > SHORT_MEMBER_MAX);
        let dropped = members.remove(long.unwrap_or(members.len() - 1));
        length = length.checked_sub(dropped.len() + 1)?;
    }
    Some(members.join(",").into())
}

/// Returns the key of a member if it is valid.
fn key_of(member: &str) -> Option<&str> {
    let (key, value) = member.split_once('=')?;
    let is_first = |character: u8| matches!(character, b'a'..=b'z' | b'0'..=b'9');
    let is_in_key = |character: u8| is_first(character) || matches!(character, b'_' | b'-' | b'*' | b'/' | b'@');
    let is_in_value = |character: u8| matches!(character, b' '..=b'~') && !matches!(character, b',' | b'=');
    let is_key = key.len() <= PART_MAX && key.bytes().next().is_some_and(is_first) && key.bytes().all(is_in_key);
    let is_value = (1..=PART_MAX).contains(&value.len()) && value.bytes().all(is_in_value);
    (is_key && is_value).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(headers: &[&str]) -> Option<String> {
        propagated_state(headers.iter().map(|header| header.as_bytes())).map(String::from)
    }

    #[test]
    fn valid_members_are_passed_on_in_order() {
        let key = "k".repeat(256);
        let longest = format!("{key}={}", "v".repeat(255));

        assert_eq!(state(&["rojo=00f067aa0ba902b7"]).as_deref(), Some("rojo=00f067aa0ba902b7"));
        assert_eq!(state(&["b=1 ,\ta=2,, ", "c=3"]).as_deref(), Some("b=1,a=2,c=3"));
        assert_eq!(state(&["0tenant@a-b_c*d/e=!\"#~ x"]).as_deref(), Some("0tenant@a-b_c*d/e=!\"#~ x"));
        assert_eq!(state(&[&longest]).as_deref(), Some(&*longest));
        assert_eq!(state(&[]), None);
        assert_eq!(state(&["", " , "]), None);
    }

    #[test]
    fn an_invalid_member_drops_the_whole_state() {
        let long_key = format!("{}=1", "k".repeat(257));
        let long_value = format!("k={}", "v".repeat(257));
        let many: Vec<String> = (0..33).map(|number| format!("k{number}=1")).collect();
        let many = many.join(",");
        let invalid =
            ["rojo", "=1", "a=", "a==1", "A=1", "_a=1", "a b=1", "a=\u{e9}", "a=1,a=2", &long_key, &long_value, &many];

        for text in invalid {
            assert_eq!(state(&["ok=1", text]), None, "{text}");
        }
    }

    #[test]
    fn a_long_state_loses_long_members_then_the_last_ones() {
        let member = |key: char, length: usize| format!("{key}={}", "v".repeat(length - 2));
        let (short, long) = (member('s', 128), member('l', 129));
        let others: Vec<String> = ('a'..'d').map(|key| member(key, 127)).collect();

        let with_long = state(&[&short, &long, &others.join(",")]);
        let without_long = state(&[&others.join(","), &member('e', 127), &member('f', 127)]);

        assert_eq!(with_long, Some(format!("{short},{}", others.join(","))));
        assert_eq!(without_long, Some(format!("{},{}", others.join(","), member('e', 127))));
    }
}
