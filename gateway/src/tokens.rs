//! Bearer tokens: made from 256 random bits, shown once, kept only as SHA-256.
//!
//! A token is looked up by its hash, so comparing takes the same time whatever was guessed: nobody can learn
//! a stored token byte by byte. The prefix says what a token may do before it says to whom it belongs.

use aws_lc_rs::digest::{SHA256, digest};
use rand::Rng as _;
use secrecy::{ExposeSecret as _, SecretString};

/// Characters of the random part: 43 of 62 symbols hold 256 bits.
const RANDOM_CHARACTERS: usize = 43;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The longest token that is hashed; anything longer is refused unread.
const LONGEST: usize = 256;

/// What a token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// `rk_<org>_…`: opens a runner's socket and nothing else.
    Runner,
    /// `sk_<environment>_…`: runs jobs on the sources of one environment.
    Service,
    /// `admin_…`: changes and reads everything.
    Admin,
}

impl TokenKind {
    /// The word that the token begins with and that the store keeps.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Runner => "rk",
            Self::Service => "sk",
            Self::Admin => "admin",
        }
    }

    /// The kind that a stored word names; `None` for a kind that this build does not issue.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "rk" => Some(Self::Runner),
            "sk" => Some(Self::Service),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }
}

/// The SHA-256 of a token: what the store and the caches know it by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a presented token; `None` when its length rules out that it was ever issued.
    pub fn of(token: &str) -> Option<Self> {
        if token.is_empty() || token.len() > LONGEST {
            return None;
        }
        let mut bytes = [0_u8; 32];
        bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Some(Self(bytes))
    }

    /// The 32 bytes, as stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("TokenHash(…)")
    }
}

/// A token that has just been made. The only moment at which its text exists here.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// The text to show once.
    pub secret: SecretString,
    /// What to store instead of it.
    pub hash: TokenHash,
    /// The readable beginning, without any of the random part: `rk_default`.
    pub prefix: String,
    /// The last four characters, for telling tokens apart in a list.
    pub last4: String,
}

impl NewToken {
    /// Makes a token of `kind`; `scope` is the slug of the organisation (`rk`) or environment (`sk`), and has
    /// no place in an admin token.
    pub fn generate(kind: TokenKind, scope: &str) -> Self {
        let prefix = match kind {
            TokenKind::Admin => kind.as_str().to_owned(),
            TokenKind::Runner | TokenKind::Service => format!("{}_{scope}", kind.as_str()),
        };
        let mut text = prefix.clone();
        text.push('_');
        // rand's thread generator is a CSPRNG (ChaCha12) seeded from the operating system.
        let mut random = rand::rng();
        text.extend((0..RANDOM_CHARACTERS).filter_map(|_| {
            let index: usize = random.random_range(0..BASE62.len());
            BASE62.get(index).copied().map(char::from)
        }));
        let mut bytes = [0_u8; 32];
        bytes.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        let last4 = last_four(&text);
        Self { secret: SecretString::from(text), hash: TokenHash(bytes), prefix, last4 }
    }

    /// The token's text, for the one answer that shows it.
    pub fn reveal(&self) -> &str {
        self.secret.expose_secret()
    }
}

fn last_four(text: &str) -> String {
    let start = text.char_indices().rev().nth(3).map_or(0, |(index, _)| index);
    text.get(start..).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_kind_and_scope_and_ends_in_43_base62_characters() {
        for (kind, expected) in
            [(TokenKind::Runner, "rk_acme_"), (TokenKind::Service, "sk_acme_"), (TokenKind::Admin, "admin_")]
        {
            let token = NewToken::generate(kind, "acme");
            let random = token.reveal().strip_prefix(expected).expect("the prefix");
            assert_eq!(random.len(), RANDOM_CHARACTERS);
            assert!(random.bytes().all(|byte| BASE62.contains(&byte)));
            assert!(token.reveal().ends_with(&token.last4));
            assert_eq!(token.last4.len(), 4);
            assert!(!token.prefix.contains(random));
        }
    }

    #[test]
    fn the_hash_is_sha_256_of_the_whole_token() {
        // FIPS 180-4's example for "abc".
        let hash = TokenHash::of("abc").expect("a hash");
        assert_eq!(
            hex::encode(hash.as_bytes()),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let token = NewToken::generate(TokenKind::Runner, "default");
        assert_eq!(TokenHash::of(token.reveal()), Some(token.hash));
    }

    #[test]
    fn an_empty_or_huge_token_is_never_hashed() {
        assert_eq!(TokenHash::of(""), None);
        assert_eq!(TokenHash::of(&"x".repeat(LONGEST + 1)), None);
    }

    #[test]
    fn debug_output_shows_neither_token_nor_hash() {
        let token = NewToken::generate(TokenKind::Service, "production");
        let shown = format!("{token:?}");
        assert!(!shown.contains(token.reveal()));
        assert!(!shown.contains(&hex::encode(token.hash.as_bytes())));
    }
}
