//! What a login may do, as far as rules of access tell (<https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/>).

use keyspace::Reply;

/// More rules than these are not tried.
const MOST_PATTERNS: usize = 32;

/// A key that stands for no rule in particular.
pub(crate) const ANY_KEY: &[u8] = b"key";

/// Commands that write to a key, each another kind of them, and one that needs no key to empty a database.
const WRITES: [&[&[u8]]; 3] = [&[b"SET", KEY, b"1"], &[b"DEL", KEY], &[b"HSET", KEY, b"field", b"1"]];
const EMPTIES: &[&[u8]] = &[b"FLUSHDB"];

/// What stands for the key.
const KEY: &[u8] = b"";

/// Questions whether the user may write to this key: nothing is written (`ACL DRYRUN`, since Redis 7).
pub(crate) fn questions<'w>(user: &'w [u8], key: &'w [u8]) -> Vec<Vec<&'w [u8]>> {
    let question = |words: &[&'w [u8]]| {
        let mut question: Vec<&'w [u8]> = vec![b"ACL", b"DRYRUN", user];
        question.extend(words.iter().map(|word| if word.is_empty() { key } else { *word }));
        question
    };
    WRITES.iter().copied().chain([EMPTIES]).map(question).collect()
}

/// Whether one of the questions is answered with yes; `None` when the server does not answer them.
pub(crate) fn allowed(answers: &[Reply]) -> Option<bool> {
    let mut answered = answers.iter().filter_map(Reply::as_text).peekable();
    answered.peek()?;
    Some(answered.any(|answer| answer == "OK"))
}

/// Keys that the rules of a user let it write to, one for each pattern; `None` when that cannot be told from what the server
/// answers to `ACL GETUSER`.
pub(crate) fn writable_keys(user: Reply) -> Option<Vec<Vec<u8>>> {
    let mut patterns = Vec::new();
    for (name, value) in user.into_pairs()? {
        match name.as_text()? {
            "keys" => patterns_of(&value, &mut patterns)?,
            // Each is a set of rules of its own.
            "selectors" => {
                for selector in value.into_list()? {
                    for (name, value) in selector.into_pairs()? {
                        if name.as_text()? == "keys" {
                            patterns_of(&value, &mut patterns)?;
                        }
                    }
                }
            }
            _ => {}
        }
    }
    if patterns.len() > MOST_PATTERNS {
        return None;
    }
    patterns.iter().map(|pattern| matching(pattern)).collect()
}

/// The patterns of a rule such as `~app:* %R~cache:* %W~log:*` that let keys be written.
fn patterns_of(rules: &Reply, patterns: &mut Vec<Vec<u8>>) -> Option<()> {
    for rule in rules.as_text()?.split_ascii_whitespace() {
        let (access, pattern) = rule.split_once('~')?;
        match access {
            "" | "%W" | "%RW" | "%WR" => patterns.push(pattern.as_bytes().to_vec()),
            "%R" => {}
            _ => return None,
        }
    }
    Some(())
}

/// A key that a glob matches; `None` for one that leaves a character open but for some.
fn matching(pattern: &[u8]) -> Option<Vec<u8>> {
    let mut key = Vec::new();
    let mut rest = pattern.iter().copied();
    while let Some(byte) = rest.next() {
        match byte {
            b'*' => {}
            b'?' => key.push(b'x'),
            b'\\' => key.push(rest.next().unwrap_or(b'\\')),
            b'[' => {
                match rest.next()? {
                    b'^' => return None,
                    b'\\' => key.push(rest.next()?),
                    first => key.push(first),
                }
                while rest.next()? != b']' {}
            }
            byte => key.push(byte),
        }
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Reply {
        Reply::Text(text.as_bytes().to_vec())
    }

    fn user(keys: &str, selector: &str) -> Reply {
        let selector = Reply::List(vec![text("commands"), text("+@all"), text("keys"), text(selector)]);
        Reply::Pairs(vec![
            (text("flags"), Reply::List(vec![text("on")])),
            (text("keys"), text(keys)),
            (text("selectors"), Reply::List(vec![selector])),
        ])
    }

    #[test]
    fn keys_are_made_of_the_patterns_that_allow_writing() {
        let keys = writable_keys(user("~app:* %R~read:* %W~log:?\\*[a-c]x", "%RW~sel:[\\]]"));
        assert_eq!(keys.unwrap(), [&b"app:"[..], b"log:x*ax", b"sel:]"].map(<[u8]>::to_vec));
        assert_eq!(writable_keys(user("%R~*", "")), Some(vec![]));
    }

    #[test]
    fn what_is_not_understood_is_not_known() {
        for keys in ["~[^a]*", "%X~a", "no pattern", "~[a"] {
            assert_eq!(writable_keys(user(keys, "")), None, "{keys}");
        }
        assert_eq!(writable_keys(user(&"~a ".repeat(MOST_PATTERNS + 1), "")), None);
        // Redis 6 has a list, and cannot be asked what a user may do.
        let listed = Reply::Pairs(vec![(text("keys"), Reply::List(vec![text("*")]))]);
        assert_eq!(writable_keys(listed), None);
        assert_eq!(writable_keys(Reply::Nil), None);
    }

    #[test]
    fn each_question_is_of_the_key_and_one_yes_is_enough() {
        let asked = questions(b"ann", b"k");
        assert_eq!(asked[0], [&b"ACL"[..], b"DRYRUN", b"ann", b"SET", b"k", b"1"]);
        assert_eq!(asked[3], [&b"ACL"[..], b"DRYRUN", b"ann", b"FLUSHDB"]);
        assert_eq!(allowed(&[text("User ann has no permissions"), text("OK")]), Some(true));
        assert_eq!(allowed(&[text("User ann has no permissions")]), Some(false));
        assert_eq!(allowed(&[Reply::Refused(keyspace::Refusal::of("NOPERM x"))]), None);
    }
}
