//! What one call does for a shared upload.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::fragment::{FileTimes, Fragment};
use super::token::Token;
use crate::error::{Error, Result};
use crate::upload::checkpoint::PartRecord;

/// The most ranges of missing parts that a message names.
const MOST_NAMED: usize = 8;

/// One call.
#[derive(Debug)]
pub(crate) enum SharedStep {
    Begin,
    Send(Token, RangeInclusive<u32>),
    Finish(Token, Collected),
    Abort(Token),
}

/// All parts of an upload, by their numbers, each with the times of the file that it was read from.
#[derive(Debug)]
pub(crate) struct Collected(pub Vec<(PartRecord, FileTimes)>);

impl SharedStep {
    pub(crate) fn send(token: &str, parts: RangeInclusive<u32>) -> Result<SharedStep> {
        let token = Token::parse(token)?;
        let count = token.plan.count();
        if parts.is_empty() || *parts.start() == 0 || *parts.end() > count {
            let (first, last) = (parts.start(), parts.end());
            let message = format!("there are no parts {first} to {last}: first and last must be from 1 to {count}");
            return Err(Error::invalid(message));
        }
        Ok(SharedStep::Send(token, parts))
    }

    /// Of a part that is in several fragments, the last one counts.
    pub(crate) fn finish(token: &str, fragments: impl IntoIterator<Item = impl AsRef<str>>) -> Result<SharedStep> {
        let token = Token::parse(token)?;
        let mut found = BTreeMap::new();
        for (index, text) in fragments.into_iter().enumerate() {
            let fragment = Fragment::parse(text.as_ref(), &token)
                .map_err(|error| error.context(format_args!("fragments[{index}]")))?;
            found.extend(fragment.parts.into_iter().map(|record| (record.part.number, (record, fragment.times))));
        }
        let missing: Vec<u32> = (1..=token.plan.count()).filter(|number| !found.contains_key(number)).collect();
        match missing.first() {
            Some(first) => {
                let message = format!("the fragments lack {}", part_names(&missing));
                Err(Error::invalid(message).with_part(*first).hint("send them, and finish with their fragments, too"))
            }
            None => Ok(SharedStep::Finish(token, Collected(found.into_values().collect()))),
        }
    }

    pub(crate) fn abort(token: &str) -> Result<SharedStep> {
        Token::parse(token).map(SharedStep::Abort)
    }

    /// `None` before there is one.
    pub(crate) fn token(&self) -> Option<&Token> {
        match self {
            SharedStep::Begin => None,
            SharedStep::Send(token, _) | SharedStep::Finish(token, _) | SharedStep::Abort(token) => Some(token),
        }
    }
}

/// `numbers`, which ascend, for people: "parts 2, 5 to 9".
pub(crate) fn part_names(numbers: &[u32]) -> String {
    let runs: Vec<&[u32]> = numbers.chunk_by(|a, b| a + 1 == *b).collect();
    let name = |run: &&[u32]| match run {
        [first, .., last] => format!("{first} to {last}"),
        run => run.first().map(u32::to_string).unwrap_or_default(),
    };
    let named: Vec<String> = runs.iter().take(MOST_NAMED).map(name).collect();
    let more = if runs.len() > MOST_NAMED { format!(" and others, {} in all", numbers.len()) } else { String::new() };
    format!("part{} {}{more}", if numbers.len() == 1 { "" } else { "s" }, named.join(", "))
}
