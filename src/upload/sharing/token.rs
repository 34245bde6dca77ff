//! Which upload it is, and how its source is cut.

use serde::{Deserialize, Serialize};

use super::sealed::Kind;
use crate::error::Result;
use crate::transfer::Plan;

/// A key of 1,023 bytes, each of them escaped, and an upload ID.
const TOKEN: Kind = Kind { name: "token", maker: "oss_shared_upload_begin()", most: 16 * 1024 };

/// What all hosts of a shared upload must agree on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub bucket: String,
    pub key: String,
    pub upload_id: String,
    /// A digest of the options that shape the object.
    pub options: String,
    pub plan: Plan,
    /// By which fragments name their upload.
    pub id: String,
}

/// A token as it stands in the text.
#[derive(Serialize, Deserialize)]
struct TokenRecord {
    bucket: String,
    key: String,
    upload_id: String,
    options: String,
    size: u64,
    part_size: u64,
}

/// The number of parts of the shared upload that `token` is for. Nothing is sent.
pub fn shared_upload_part_count(token: &str) -> Result<u32> {
    Token::parse(token).map(|token| token.plan.count())
}

impl Token {
    pub(crate) fn parse(text: &str) -> Result<Token> {
        let (record, id): (TokenRecord, _) = TOKEN.open(text)?;
        let TokenRecord { bucket, key, upload_id, options, size, part_size } = record;
        match Plan::of_checkpoint(size, part_size) {
            Some(plan) if size > 0 && !upload_id.is_empty() => {
                Ok(Token { bucket, key, upload_id, options, plan, id: id.to_owned() })
            }
            _ => Err(TOKEN.refuse("describes no upload that there can be")),
        }
    }

    /// The text of the token of an upload that has just been opened.
    pub(crate) fn text(bucket: &str, key: &str, upload_id: &str, options: String, plan: &Plan) -> Result<String> {
        TOKEN.seal(&TokenRecord {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            upload_id: upload_id.to_owned(),
            options,
            size: plan.size,
            part_size: plan.part_size,
        })
    }

    /// Fails when the token is that of another object, or of the same with other headers.
    pub(crate) fn check(&self, bucket: &str, key: &str, options: &str) -> Result<()> {
        if (self.bucket.as_str(), self.key.as_str()) != (bucket, key) {
            let why = format!("is for {}/{}, but bucket and object_key say {bucket}/{key}", self.bucket, self.key);
            return Err(TOKEN.refuse(why));
        }
        if self.options != options {
            return Err(TOKEN.refuse("was made with other object headers: give each step the same ones"));
        }
        Ok(())
    }
}
