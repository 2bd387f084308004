//! Keywords that change where a session goes, who logs in or what is checked, and that this driver does not have:
//! to pass over one of them would be to connect otherwise than the configuration says.

use connector_model::error::{Error, Result};

/// The keyword in lower case and without blanks, the values that ask for nothing, and what to do instead of others.
const UNSUPPORTED: [(&str, &[&str], &str); 8] = [
    (
        "authentication",
        &["sqlpassword", "notspecified", "default"],
        "`Authentication` asks for another login than a SQL Server one, which is not supported; remove it, and give \
         `user` and `password` of a SQL Server login",
    ),
    (
        "servercertificate",
        &[],
        "`ServerCertificate` is not supported; give the certificate, or its authority's, in `sslrootcert`",
    ),
    (
        "failoverpartner",
        &[],
        "`Failover Partner` (database mirroring) is not supported; name an availability group's listener in `server`, \
         or remove it",
    ),
    ("integratedsecurity", &["false", "no"], WINDOWS),
    ("trusted_connection", &["false", "no"], WINDOWS),
    (
        "columnencryptionsetting",
        &["disabled"],
        "`Column Encryption Setting` (Always Encrypted) is not supported; remove it, and encrypted columns come as \
         the bytes that the server holds",
    ),
    ("attachdbfilename", &[], "`AttachDbFilename` is not supported; attach the database on the server"),
    ("userinstance", &["false", "no"], "`User Instance` is not supported; name the instance in `server`"),
];

const WINDOWS: &str = "asks for Windows authentication, which is not supported; use a SQL Server login";

/// A keyword as it is compared.
pub(super) fn bare(name: &str) -> String {
    name.chars().filter(|character| !character.is_whitespace()).collect::<String>().to_lowercase()
}

/// Refuses a keyword that asks for what is not supported. The value is no part of the error.
pub(super) fn refuse(bare_name: &str, value: &str) -> Result<()> {
    let value = bare(value);
    match UNSUPPORTED.iter().find(|(name, ..)| *name == bare_name) {
        Some((_, harmless, problem)) if !value.is_empty() && !harmless.contains(&value.as_str()) => {
            Err(Error::config("url", problem))
        }
        _ => Ok(()),
    }
}
