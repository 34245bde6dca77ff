//! The fault script: what it says, and whether it makes sense.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::operation::Operation;

/// A list of rules. The first rule that is due acts; every rule counts the requests that it matches.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FaultScript {
    /// The rules, in order of precedence.
    pub rules: Vec<FaultRule>,
}

/// When to act, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// A name that shows up in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which requests it is about.
    #[serde(rename = "match")]
    pub when: Match,
    /// What happens to them.
    pub action: Action,
}

/// Which requests a rule is about. What is left out matches everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// Names of operations, or `*`.
    #[serde(default = "any")]
    pub operation: OneOrMany<String>,
    /// The bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// The decoded key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Part numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<OneOrMany<u32>>,
    /// How many matching requests to let pass first.
    #[serde(default)]
    pub from: u64,
    /// How often to act; for ever when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// Act on every k-th of the requests from there on.
    #[serde(default = "one")]
    pub every: u64,
}

impl Default for Match {
    fn default() -> Self {
        Self { operation: any(), bucket: None, key: None, part: None, from: 0, times: None, every: 1 }
    }
}

/// A value, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    /// A single one.
    One(T),
    /// Several.
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    /// All values.
    pub fn as_slice(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

fn any() -> OneOrMany<String> {
    OneOrMany::One("*".into())
}

fn one() -> u64 {
    1
}

fn yes() -> bool {
    true
}

/// A point on a request's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The connection has been accepted, nothing has been read.
    Accept,
    /// The headers are read.
    BeforeBody,
    /// The body is read, nothing has been done yet.
    BeforeProcessing,
    /// The request is fully processed.
    BeforeResponse,
    /// A part of the response is written.
    MidResponse,
}

/// The shape of a made-up response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseBody {
    /// OSS's error document.
    #[default]
    Xml,
    /// A proxy's page.
    Html,
    /// The error's fields as JSON.
    Json,
    /// Nothing.
    Empty,
    /// The rule's `text`.
    Text,
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Answers with a status of its own.
    Status {
        /// The HTTP status.
        status: u16,
        /// The error code; a usual one for the status when left out.
        #[serde(default)]
        code: Option<String>,
        /// The message.
        #[serde(default)]
        message: Option<String>,
        /// Further headers.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// The shape of the body.
        #[serde(default)]
        body: ResponseBody,
        /// The body, when its shape is `text`.
        #[serde(default)]
        text: Option<String>,
        /// Response before the body is read (the default), or after.
        #[serde(default = "yes")]
        before_body: bool,
        /// How long to take in the rest of the body after an early response; the server's setting when left out.
        #[serde(default)]
        linger_ms: Option<u64>,
    },
    /// Resets the connection.
    Reset {
        /// When.
        #[serde(default)]
        at: Option<Stage>,
        /// When: after so many bytes of the body.
        #[serde(default)]
        after_body_bytes: Option<u64>,
        /// With `mid_response`: how many bytes of the response are written, 20 when left out.
        #[serde(default)]
        after_response_bytes: Option<u64>,
    },
    /// Closes the connection.
    Close {
        /// When.
        #[serde(default)]
        at: Option<Stage>,
        /// When: after so many bytes of the body.
        #[serde(default)]
        after_body_bytes: Option<u64>,
        /// With `mid_response`: how many bytes of the response are written, 20 when left out.
        #[serde(default)]
        after_response_bytes: Option<u64>,
    },
    /// Does nothing for a while, then goes on.
    Stall {
        /// When.
        #[serde(default)]
        at: Option<Stage>,
        /// When: after so many bytes of the body.
        #[serde(default)]
        after_body_bytes: Option<u64>,
        /// For how long; until the client leaves when left out.
        #[serde(default)]
        ms: Option<u64>,
    },
    /// Writes the response in drops.
    Drip {
        /// Bytes in each drop.
        bytes: u64,
        /// Milliseconds between drops.
        ms: u64,
    },
    /// Reads the body slowly.
    SlowRead {
        /// Bytes a second.
        bytes_per_second: u64,
    },
    /// Answers with a CRC64 of which one bit is wrong.
    WrongCrc {},
    /// Responses without a CRC64.
    NoCrc {},
    /// Answers with an ETag of which one digit is wrong.
    WrongEtag {},
    /// Answers with weak ETags (`W/"..."`), in the header and in the XML.
    WeakEtag {},
    /// Answers with a long head.
    LongHead {
        /// So many bytes more.
        bytes: usize,
        /// In so many headers.
        headers: usize,
    },
    /// Flips a bit of the body, as if on the way: what is stored and what is answered agree with each other.
    CorruptBody {
        /// Which byte of the body.
        #[serde(default)]
        offset: u64,
    },
    /// The upload vanishes before the request is processed.
    DropUpload {},
    /// Another client writes the object just before the request is processed.
    ObjectAppears {
        /// What it writes.
        #[serde(default)]
        text: String,
    },
    /// Another client overwrites the part just after it has been stored.
    ReplacePart {},
    /// Closes the connection after the response, without saying so in it.
    CloseIdle {
        /// How long after the response.
        #[serde(default)]
        after_ms: u64,
        /// With a reset instead of a close.
        #[serde(default)]
        reset: bool,
    },
    /// Sets the server's clock, from this request on.
    Clock {
        /// Seconds ahead of the machine's clock.
        offset: i64,
    },
    /// Ends a key's token, from this request on.
    ExpireToken {
        /// Which key; the one that signed the request when left out.
        #[serde(default)]
        access_key_id: Option<String>,
    },
}

impl Action {
    /// The `type` of the action.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Reset { .. } => "reset",
            Self::Close { .. } => "close",
            Self::Stall { .. } => "stall",
            Self::Drip { .. } => "drip",
            Self::SlowRead { .. } => "slow_read",
            Self::WrongCrc {} => "wrong_crc",
            Self::NoCrc {} => "no_crc",
            Self::WrongEtag {} => "wrong_etag",
            Self::WeakEtag {} => "weak_etag",
            Self::LongHead { .. } => "long_head",
            Self::CorruptBody { .. } => "corrupt_body",
            Self::DropUpload {} => "drop_upload",
            Self::ObjectAppears { .. } => "object_appears",
            Self::ReplacePart {} => "replace_part",
            Self::CloseIdle { .. } => "close_idle",
            Self::Clock { .. } => "clock",
            Self::ExpireToken { .. } => "expire_token",
        }
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Self::Status { status, body, text, .. } => {
                if !(200..600).contains(status) {
                    return Err(format!("status {status} is not between 200 and 599"));
                }
                if (*body == ResponseBody::Text) != text.is_some() {
                    return Err("\"text\" goes with \"body\": \"text\", and only with it".into());
                }
                Ok(())
            }
            Self::Reset { at, after_body_bytes, after_response_bytes }
            | Self::Close { at, after_body_bytes, after_response_bytes } => {
                if after_response_bytes.is_some() && *at != Some(Stage::MidResponse) {
                    return Err("\"after_response_bytes\" goes with \"at\": \"mid_response\"".into());
                }
                check_stage(*at, *after_body_bytes)
            }
            Self::Stall { at: Some(Stage::MidResponse | Stage::Accept), .. } => {
                Err("a stall is possible at before_body, before_processing and before_response; see also drip".into())
            }
            Self::Stall { at, after_body_bytes, .. } => check_stage(*at, *after_body_bytes),
            Self::Drip { bytes: 0, .. } | Self::SlowRead { bytes_per_second: 0 } => {
                Err("a rate of 0 never ends; use a stall".into())
            }
            _ => Ok(()),
        }
    }

    /// Whether it acts on a connection before there is a request.
    pub(crate) fn at_accept(&self) -> bool {
        matches!(self, Self::Reset { at: Some(Stage::Accept), .. } | Self::Close { at: Some(Stage::Accept), .. })
    }
}

fn check_stage(at: Option<Stage>, after_body_bytes: Option<u64>) -> Result<(), String> {
    match (at, after_body_bytes) {
        (Some(_), None) | (None, Some(_)) => Ok(()),
        _ => Err("say either \"at\" or \"after_body_bytes\"".into()),
    }
}

impl FaultRule {
    fn check(&self) -> Result<(), String> {
        for name in self.when.operation.as_slice().iter().filter(|name| *name != "*") {
            name.parse::<Operation>()?;
        }
        if self.when.every == 0 {
            return Err("\"every\" must be at least 1".into());
        }
        let narrowed = self.when.operation != any()
            || self.when.key.is_some()
            || self.when.bucket.is_some()
            || self.when.part.is_some();
        if self.action.at_accept() && narrowed {
            return Err("nothing is known of a request at \"accept\": match \"*\"".into());
        }
        self.action.check()
    }
}

impl FaultScript {
    /// Reads a script and checks it.
    ///
    /// # Errors
    /// A message that names the rule and says what is wrong with it.
    pub fn from_json(json: &str) -> Result<Self, String> {
        let script: Self = serde_json::from_str(json).map_err(|error| format!("fault script: {error}"))?;
        script.check()?;
        Ok(script)
    }

    /// Checks a script that was not read from JSON.
    ///
    /// # Errors
    /// A message that names the rule and says what is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        for (index, rule) in self.rules.iter().enumerate() {
            rule.check().map_err(|error| format!("fault script, rule {index}: {error}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_script() {
        let script = FaultScript::from_json(
            r#"[{"match":{"operation":"UploadPart","part":[1,2],"from":1,"times":2},
                 "action":{"type":"status","status":503,"headers":{"Retry-After":"1"}}},
                {"name":"lost","match":{"operation":["CompleteMultipartUpload"]},
                 "action":{"type":"close","at":"before_response"}}]"#,
        )
        .unwrap();
        assert_eq!(script.rules.len(), 2);
        assert_eq!(script.rules[0].when.part.as_ref().unwrap().as_slice(), [1, 2]);
        assert!(matches!(script.rules[0].action, Action::Status { before_body: true, .. }));
    }

    #[test]
    fn says_what_is_wrong() {
        let cases = [
            (r#"[{"match":{"operation":"Upload"},"action":{"type":"no_crc"}}]"#, "rule 0: unknown operation"),
            (r#"[{"match":{},"action":{"type":"explode"}}]"#, "explode"),
            (r#"[{"match":{"parts":1},"action":{"type":"no_crc"}}]"#, "parts"),
            (r#"[{"match":{},"action":{"type":"no_crc","at":"accept"}}]"#, "at"),
            (r#"[{"match":{},"action":{"type":"reset"}}]"#, "after_body_bytes"),
            (r#"[{"match":{"every":0},"action":{"type":"no_crc"}}]"#, "every"),
            (r#"[{"match":{"key":"k"},"action":{"type":"reset","at":"accept"}}]"#, "accept"),
            (r#"[{"match":{},"action":{"type":"status","status":99}}]"#, "99"),
            (r#"[{"match":{},"action":{"type":"stall","at":"mid_response"}}]"#, "drip"),
            (r#"{"rules":[]}"#, "fault script"),
        ];
        for (json, needle) in cases {
            let error = FaultScript::from_json(json).unwrap_err();
            assert!(error.contains(needle), "{json}: {error}");
        }
    }
}
