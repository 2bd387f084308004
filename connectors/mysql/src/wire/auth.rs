//! Proofs of a password, one a plugin.

use aws_lc_rs::digest::{Algorithm, Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512};
use curve25519_dalek::{EdwardsPoint, Scalar, scalar::clamp_integer};

use super::greeting::NONCE;

pub(super) const NATIVE: &str = "mysql_native_password";
pub(super) const CACHING_SHA2: &str = "caching_sha2_password";
const SHA256_PASSWORD: &str = "sha256_password";
const ED25519: &str = "client_ed25519";
const CLEAR: &str = "mysql_clear_password";

/// The bytes that MariaDB's ed25519 plugin asks to be signed.
const ED25519_NONCE: usize = 32;

/// Who can read what goes over the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Secrecy {
    /// Everybody on the way.
    Open,
    /// Whoever is at the other end, and nobody knows who that is.
    Encrypted,
    /// The server alone: its certificate was checked, or it is on this machine.
    Trusted,
}

/// What is sent to prove a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proof {
    /// These bytes.
    Send(Vec<u8>),
    /// Nothing: the plugin would give the password itself to whoever listens.
    WouldTellPassword,
    /// Nothing: this plugin is not spoken here.
    Unknown,
}

/// The proof of `password` that `plugin` asks for first.
pub(super) fn proof(plugin: &str, password: &[u8], nonce: &[u8], secrecy: Secrecy) -> Proof {
    let challenge = nonce.get(..NONCE).unwrap_or(nonce);
    match plugin {
        // Nothing proves an empty password.
        NATIVE | CACHING_SHA2 if password.is_empty() => Proof::Send(Vec::new()),
        SHA256_PASSWORD if password.is_empty() => Proof::Send(vec![0]),
        NATIVE => Proof::Send(native(password, challenge)),
        CACHING_SHA2 => Proof::Send(caching_sha2(password, challenge)),
        ED25519 => Proof::Send(ed25519(password, nonce.get(..ED25519_NONCE).unwrap_or(nonce))),
        SHA256_PASSWORD => in_clear(password, secrecy, Secrecy::Encrypted),
        // The password in clear is for the one server it belongs to.
        CLEAR => in_clear(password, secrecy, Secrecy::Trusted),
        _ => Proof::Unknown,
    }
}

/// The password itself, where `least` holds. Some servers would take it encrypted with a key they send along; nobody
/// vouches for that key, so this is not done.
pub(super) fn in_clear(password: &[u8], secrecy: Secrecy, least: Secrecy) -> Proof {
    if secrecy < least {
        return Proof::WouldTellPassword;
    }
    let mut clear = password.to_vec();
    clear.push(0);
    Proof::Send(clear)
}

fn hash(algorithm: &'static Algorithm, parts: &[&[u8]]) -> Vec<u8> {
    let mut context = Context::new(algorithm);
    parts.iter().for_each(|part| context.update(part));
    context.finish().as_ref().to_vec()
}

fn mixed(left: &[u8], right: &[u8]) -> Vec<u8> {
    left.iter().zip(right).map(|(left, right)| left ^ right).collect()
}

/// `SHA1(password) XOR SHA1(nonce, SHA1(SHA1(password)))`
fn native(password: &[u8], nonce: &[u8]) -> Vec<u8> {
    let sha1 = |parts: &[&[u8]]| hash(&SHA1_FOR_LEGACY_USE_ONLY, parts);
    let once = sha1(&[password]);
    let stored = sha1(&[&once]);
    mixed(&once, &sha1(&[nonce, &stored]))
}

/// `SHA256(password) XOR SHA256(SHA256(SHA256(password)), nonce)`
fn caching_sha2(password: &[u8], nonce: &[u8]) -> Vec<u8> {
    let sha256 = |parts: &[&[u8]]| hash(&SHA256, parts);
    let once = sha256(&[password]);
    let stored = sha256(&[&once]);
    mixed(&once, &sha256(&[&stored, nonce]))
}

/// An Ed25519 signature of the nonce (RFC 8032, section 5.1.6) with the password, of any length, in the place of the
/// 32-byte key: so MariaDB has it (plugin/auth_ed25519).
fn ed25519(password: &[u8], nonce: &[u8]) -> Vec<u8> {
    let sha512 = |parts: &[&[u8]]| -> [u8; 64] { hash(&SHA512, parts).try_into().unwrap_or([0; 64]) };
    let expanded = sha512(&[password]);
    let Some((secret, prefix)) = expanded.split_first_chunk::<32>() else { return Vec::new() };
    let secret = Scalar::from_bytes_mod_order(clamp_integer(*secret));
    let public = EdwardsPoint::mul_base(&secret).compress();
    let random = Scalar::from_bytes_mod_order_wide(&sha512(&[prefix, nonce]));
    let commitment = EdwardsPoint::mul_base(&random).compress();
    let challenge = sha512(&[commitment.as_bytes(), public.as_bytes(), nonce]);
    let answer = Scalar::from_bytes_mod_order_wide(&challenge) * secret + random;
    [*commitment.as_bytes(), answer.to_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOW_MUCH: &[u8; 20] =
        b"\x23\x11\x07\x5c\x2a\x63\x2d\x49\x46\x0b\x3e\x52\x1f\x71\x08\x6d\x34\x5a\x19\x44";

    #[test]
    fn a_server_that_stores_hashes_accepts_the_proofs() {
        // As the server checks: what is left after its own part is taken off must hash to what it stores.
        let sha1 = |parts: &[&[u8]]| hash(&SHA1_FOR_LEGACY_USE_ONLY, parts);
        let stored = sha1(&[&sha1(&[b"secret"])]);
        let Proof::Send(sent) = proof(NATIVE, b"secret", HOW_MUCH, Secrecy::Open) else { panic!("a proof") };
        assert_eq!(sha1(&[&mixed(&sent, &sha1(&[HOW_MUCH, &stored]))]), stored);
        let sha256 = |parts: &[&[u8]]| hash(&SHA256, parts);
        let stored = sha256(&[&sha256(&[b"secret"])]);
        let Proof::Send(sent) = proof(CACHING_SHA2, b"secret", HOW_MUCH, Secrecy::Open) else {
            panic!("a proof")
        };
        assert_eq!(sha256(&[&mixed(&sent, &sha256(&[&stored, HOW_MUCH]))]), stored);
    }

    #[test]
    fn a_signature_is_that_of_the_rfc_when_the_password_is_a_key() {
        // RFC 8032, section 7.1, test 2: a message of one byte.
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
        };
        let key = hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
        let signature = hex(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        );
        assert_eq!(ed25519(&key, &[0x72]), signature);
    }

    #[test]
    fn the_password_itself_goes_only_where_nobody_else_can_read_it() {
        let told = |plugin, secrecy| matches!(proof(plugin, b"pw", HOW_MUCH, secrecy), Proof::Send(_));
        assert!(!told(SHA256_PASSWORD, Secrecy::Open) && told(SHA256_PASSWORD, Secrecy::Encrypted));
        assert!(
            !told(CLEAR, Secrecy::Open) && !told(CLEAR, Secrecy::Encrypted) && told(CLEAR, Secrecy::Trusted)
        );
        assert_eq!(in_clear(b"pw", Secrecy::Open, Secrecy::Encrypted), Proof::WouldTellPassword);
        assert_eq!(proof("mysql_old_password", b"pw", HOW_MUCH, Secrecy::Trusted), Proof::Unknown);
    }
}
