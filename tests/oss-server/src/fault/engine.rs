//! Counts requests and picks the rule that is due.

use super::script::{Action, FaultRule, FaultScript, Match};
use crate::log::FaultNote;
use crate::operation::Operation;

/// What a rule looks at.
pub(crate) struct Subject<'a> {
    pub(crate) operation: Operation,
    pub(crate) bucket: Option<&'a str>,
    pub(crate) key: Option<&'a str>,
    pub(crate) part: Option<u32>,
}

/// A rule that acts on the request at hand.
#[derive(Debug, Clone)]
pub(crate) struct ActiveFault {
    pub(crate) action: Action,
    pub(crate) note: FaultNote,
}

#[derive(Default)]
pub(crate) struct FaultEngine {
    rules: Vec<Counted>,
}

struct Counted {
    rule: FaultRule,
    matched: u64,
    acted: u64,
}

impl Counted {
    /// Counts one more matching request; true when the rule is due.
    fn count(&mut self) -> bool {
        let (position, when) = (self.matched, &self.rule.when);
        self.matched += 1;
        position >= when.from
            && (position - when.from + 1).is_multiple_of(when.every)
            && when.times.is_none_or(|times| self.acted < times)
    }
}

impl FaultEngine {
    pub(crate) fn set(&mut self, script: FaultScript) {
        self.rules = script.rules.into_iter().map(|rule| Counted { rule, matched: 0, acted: 0 }).collect();
    }

    /// The rule that acts on a request.
    pub(crate) fn pick(&mut self, subject: &Subject<'_>) -> Option<ActiveFault> {
        self.first_due(|rule| !rule.action.at_accept() && matches(&rule.when, subject))
    }

    /// The rule that acts on a connection that has just been accepted.
    pub(crate) fn pick_accept(&mut self) -> Option<ActiveFault> {
        self.first_due(|rule| rule.action.at_accept())
    }

    fn first_due(&mut self, concerns: impl Fn(&FaultRule) -> bool) -> Option<ActiveFault> {
        let mut chosen = None;
        for (index, counted) in self.rules.iter_mut().enumerate() {
            if concerns(&counted.rule) && counted.count() && chosen.is_none() {
                counted.acted += 1;
                chosen = Some(index);
            }
        }
        let index = chosen?;
        let FaultRule { name, action, .. } = self.rules[index].rule.clone();
        let note = FaultNote { rule: index, name, action: action.kind().to_owned() };
        Some(ActiveFault { action, note })
    }
}

fn matches(when: &Match, subject: &Subject<'_>) -> bool {
    let operation = when.operation.as_slice().iter().any(|name| name == "*" || name == subject.operation.name());
    let part = when.part.as_ref().is_none_or(|parts| subject.part.is_some_and(|part| parts.as_slice().contains(&part)));
    operation
        && part
        && when.bucket.as_deref().is_none_or(|bucket| subject.bucket == Some(bucket))
        && when.key.as_deref().is_none_or(|key| subject.key == Some(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acts(script: &str, requests: usize) -> Vec<bool> {
        let mut engine = FaultEngine::default();
        engine.set(FaultScript::from_json(script).unwrap());
        let subject = Subject { operation: Operation::UploadPart, bucket: Some("b"), key: Some("k"), part: Some(2) };
        (0..requests).map(|_| engine.pick(&subject).is_some()).collect()
    }

    #[test]
    fn counts_from_times_and_every() {
        let rule = |when: &str| format!(r#"[{{"match":{when},"action":{{"type":"no_crc"}}}}]"#);
        assert_eq!(acts(&rule(r#"{"from":1,"times":2}"#), 5), [false, true, true, false, false]);
        assert_eq!(acts(&rule(r#"{"every":2}"#), 5), [false, true, false, true, false]);
        assert_eq!(acts(&rule(r#"{"every":2,"from":1,"times":1}"#), 5), [false, false, true, false, false]);
        assert_eq!(acts(&rule(r#"{"part":3}"#), 1), [false]);
        assert_eq!(acts(&rule(r#"{"part":[1,2],"bucket":"b","key":"k","operation":"UploadPart"}"#), 1), [true]);
        assert_eq!(acts(&rule(r#"{"operation":"PutObject"}"#), 1), [false]);
    }

    #[test]
    fn the_first_rule_that_is_due_acts() {
        let script = r#"[{"match":{"times":1},"action":{"type":"no_crc"}},{"match":{},"action":{"type":"wrong_crc"}}]"#;
        let mut engine = FaultEngine::default();
        engine.set(FaultScript::from_json(script).unwrap());
        let subject = Subject { operation: Operation::PutObject, bucket: None, key: None, part: None };
        let kinds: Vec<_> = (0..2).map(|_| engine.pick(&subject).unwrap().action.kind()).collect();
        assert_eq!(kinds, ["no_crc", "wrong_crc"]);
        assert!(engine.pick_accept().is_none());
    }
}
