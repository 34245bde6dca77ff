//! The JSON in which credentials come, and what may be told of a response that is of no use.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Credentials, Issued, Secret};
use crate::text::{self, date};

/// What the metadata service, a credentials URI, a process and (below `Credentials`) STS response.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct KeyResponse {
    pub code: Option<String>,
    pub access_key_id: Option<String>,
    pub access_key_secret: Option<Secret>,
    pub security_token: Option<Secret>,
    pub expiration: Value,
}

impl KeyResponse {
    /// Reads JSON. What is wrong with it is not told: it may hold secrets.
    pub(super) fn parse(json: &[u8]) -> Result<Self, String> {
        from_json(json)
    }

    pub(super) fn into_issued(self) -> Result<Issued, String> {
        let (Some(id), Some(secret)) = (self.access_key_id, self.access_key_secret) else {
            return Err("lacks AccessKeyId or AccessKeySecret".into());
        };
        issued(id, secret, self.security_token, &self.expiration)
    }
}

/// Reads a JSON object. What is wrong with it is not told: it may hold secrets.
pub(super) fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let text = text::utf8(bytes).map_err(|why| why.to_string())?;
    // serde takes an array for an object, too.
    let is_object = text.trim_start().starts_with('{');
    let read = is_object.then(|| serde_json::from_str(text).ok()).flatten();
    read.ok_or_else(|| "is not the expected JSON".into())
}

/// Checks what somebody else has made. Messages begin with the verb: who it was says the caller.
pub(super) fn issued(id: String, secret: Secret, token: Option<Secret>, expiration: &Value) -> Result<Issued, String> {
    let credentials = Credentials::of(id, secret, token);
    credentials.check().map_err(|error| format!("is unusable: {error}"))?;
    let expires = expiry(expiration).map_err(|()| "has an Expiration that is not an RFC 3339 time".to_owned())?;
    Ok(Issued::new(credentials, expires))
}

/// RFC 3339, or seconds since 1970; nothing and an empty text mean never.
fn expiry(value: &Value) -> Result<Option<SystemTime>, ()> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) => date::parse_rfc3339(text).map(Some).ok_or(()),
        Value::Number(seconds) => match seconds.as_u64() {
            Some(0) => Ok(None),
            seconds => UNIX_EPOCH.checked_add(Duration::from_secs(seconds.ok_or(())?)).map(Some).ok_or(()),
        },
        _ => Err(()),
    }
}

/// A code or name that may be shown: nothing but a word of common length can get in.
pub(super) fn word(text: &str) -> &str {
    const LONGEST: usize = 64;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if !text.is_empty() && text.len() <= LONGEST && text.bytes().all(plain) { text } else { "(an unreadable code)" }
}

/// A server's sentence, on one line and not too long. Whatever is long enough to be a key or a token is left out.
pub(super) fn sentence(text: &str) -> String {
    const LONGEST: usize = 200;
    const LONGEST_WORD: usize = 24;
    let is_of_token = |c: char| c.is_ascii_alphanumeric() || "+/=_-%.".contains(c);
    let mut shown = String::new();
    for word in text.split_whitespace() {
        let secret = word.split(|c: char| !is_of_token(c)).any(|run| run.len() > LONGEST_WORD);
        shown.push_str(if shown.is_empty() { "" } else { " " });
        shown.push_str(if secret { "***" } else { word });
    }
    shown.chars().take(LONGEST).collect::<String>().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "a-very-secret-thing-of-some-length";

    fn read(json: &str) -> Result<Issued, String> {
        KeyResponse::parse(json.as_bytes())?.into_issued()
    }

    fn at(seconds: u64) -> Option<SystemTime> {
        Some(UNIX_EPOCH + Duration::from_secs(seconds))
    }

    #[test]
    fn all_fields_are_read() {
        let issued = read(
            r#"{"AccessKeyId":"STS.x","AccessKeySecret":"s","SecurityToken":"t","Expiration":"2023-12-16T16:20:57Z",
            "LastUpdated":"2023-12-16T16:20:57Z","Code":"Success"}"#,
        );
        let issued = issued.unwrap();
        assert_eq!(issued.credentials, Credentials::new("STS.x", "s", Some("t".into())));
        assert_eq!(issued.expires, at(1_702_743_657));
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_it() {
        let json = r#"{"AccessKeyId":"i","AccessKeySecret":"s"}"#;
        assert_eq!(read(&format!("\u{feff}{json}")).unwrap().credentials.access_key_id(), "i");
        let wide: Vec<u8> = json.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(KeyResponse::parse(&wide).unwrap_err(), "is UTF-16 text; save it as UTF-8");
    }

    #[test]
    fn an_end_may_be_missing_and_have_several_shapes() {
        for (text, expected) in [
            ("", None),
            (r#","Expiration":null"#, None),
            (r#","Expiration":"""#, None),
            (r#","Expiration":0"#, None),
            (r#","Expiration":1702743657"#, at(1_702_743_657)),
            (r#","Expiration":"2023-12-17T00:20:57.000+08:00""#, at(1_702_743_657)),
            (r#","Expiration":"9999-12-31T23:59:59Z""#, at(253_402_300_799)),
            (r#","Expiration":"1969-12-31T23:59:59Z""#, UNIX_EPOCH.checked_sub(Duration::from_secs(1))),
        ] {
            let issued = read(&format!(r#"{{"AccessKeyId":"i","AccessKeySecret":"s"{text}}}"#)).unwrap();
            assert_eq!(issued.expires, expected, "{text}");
        }
        for bad in [r#""tomorrow""#, "-1", "1.5", "[]", "true"] {
            let json = format!(r#"{{"AccessKeyId":"i","AccessKeySecret":"s","Expiration":{bad}}}"#);
            assert!(read(&json).unwrap_err().contains("Expiration"), "{bad}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_what_is_in_it() {
        for json in [
            format!(r#""{SECRET}""#),
            format!(r#"{{"AccessKeyId":"{SECRET}"}}"#),
            format!(r#"{{"AccessKeyId":"{SECRET}","AccessKeySecret":"{SECRET} "}}"#),
            format!(r#"{{"AccessKeyId":["{SECRET}"],"AccessKeySecret":"s"}}"#),
            format!(r#"{{"AccessKeyId":"i","AccessKeySecret":"{SECRET}"#),
            SECRET.into(),
            format!("[null,\"i\",\"{SECRET}\",null,null]"),
            String::new(),
        ] {
            let error = read(&json).unwrap_err();
            assert!(!error.contains(SECRET), "{error}");
        }
    }

    #[test]
    fn sentences_keep_words_and_lose_tokens() {
        let text = "You are not  authorized: CAISsQJ1q6Ft5B2yfSjIr5fhItPQ was\nrefused by\tRAM.";
        assert_eq!(sentence(text), "You are not authorized: *** was refused by RAM");
        assert_eq!(sentence(&"x ".repeat(300)).chars().count(), 200);
        assert_eq!(word("EntityNotExist.Role"), "EntityNotExist.Role");
        assert_eq!(word("a b"), "(an unreadable code)");
    }
}
