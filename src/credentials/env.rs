//! Credentials from environment variables.

use super::Credentials;
use crate::error::{Error, ErrorKind, Result};

const ID: &str = "OSS_ACCESS_KEY_ID";
const SECRET: &str = "OSS_ACCESS_KEY_SECRET";
const TOKEN: &str = "OSS_SESSION_TOKEN";

/// The vendor's variables, looked up with `variable`: this crate reads the environment in one place only.
pub(crate) fn credentials(variable: impl Fn(&str) -> Option<String>) -> Result<Credentials> {
    let required = |name| {
        variable(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            Error::new(
                ErrorKind::Credentials,
                format!("no credentials: {name} is not set; set {ID} and {SECRET}, or give the keys in the options"),
            )
        })
    };
    let credentials = Credentials::new(required(ID)?, required(SECRET)?, variable(TOKEN));
    credentials.check()?;
    Ok(credentials)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendors_variables_are_read() {
        let found = credentials(|name| Some(format!("value-of-{name}"))).unwrap();
        assert_eq!(found.access_key_id(), "value-of-OSS_ACCESS_KEY_ID");
        assert_eq!(found.access_key_secret(), "value-of-OSS_ACCESS_KEY_SECRET");
        assert_eq!(found.security_token(), Some("value-of-OSS_SESSION_TOKEN"));
    }

    #[test]
    fn a_missing_or_empty_variable_is_named() {
        let error = credentials(|name| (name == ID).then(|| "x".into())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials);
        assert!(error.message().contains(SECRET), "{error}");
        assert!(credentials(|_| Some(String::new())).unwrap_err().message().contains(ID));
    }
}
