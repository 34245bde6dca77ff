//! Credentials of the RAM role that an ECS instance has, from the metadata service inside the machine's own network.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use zeroize::Zeroizing;

use super::answer::{KeyAnswer, word};
use super::{Ask, HttpAnswer, Issued, Provider, Surroundings, failed};
use crate::error::{Error, Result};

const METADATA: &str = "http://100.100.100.200";
const TOKEN_PATH: &str = "/latest/api/token";
const ROLES_PATH: &str = "/latest/meta-data/ram/security-credentials/";
/// It is on the same machine, or there is none.
const PATIENCE: Duration = Duration::from_secs(1);
const TOKEN_SECONDS: &str = "21600";
const LONGEST_TOKEN: usize = 1024;

pub(super) struct EcsRole {
    surroundings: Arc<Surroundings>,
    /// `None`: the metadata service is asked which role the instance has.
    role: Option<String>,
}

impl EcsRole {
    pub(super) fn new(surroundings: Arc<Surroundings>, role: Option<&str>) -> Result<Self> {
        let role = role.or_else(|| surroundings.variables.get("ALIBABA_CLOUD_ECS_METADATA")).map(str::to_owned);
        if let Some(role) = &role
            && !is_role(role)
        {
            return Err(Error::invalid("the name of the ECS RAM role may hold letters, digits, '.', '-' and '_' only"));
        }
        Ok(EcsRole { surroundings, role })
    }

    fn ask(
        &self,
        method: &'static str,
        path: &str,
        header: Option<(&'static str, &str)>,
        stop: &Arc<AtomicBool>,
    ) -> Result<HttpAnswer> {
        let server = self.surroundings.variables.get("ALIBABA_CLOUD_ECS_METADATA_ENDPOINT").unwrap_or(METADATA);
        let url = format!("{}{path}", server.trim_end_matches('/'));
        let headers = header.as_slice();
        let ask = Ask { method, url: &url, headers, body: &[], connect: PATIENCE, answer: PATIENCE };
        self.surroundings.ask(&ask, stop)
    }

    /// The token that the hardened mode asks for with every request; `None` where there is none and none is needed.
    fn token(&self, stop: &Arc<AtomicBool>) -> Result<Option<Zeroizing<String>>> {
        let header = ("x-aliyun-ecs-metadata-token-ttl-seconds", TOKEN_SECONDS);
        let answer = self.ask("PUT", TOKEN_PATH, Some(header), stop);
        let token = answer.and_then(|answer| match (answer.status, text(&answer)) {
            (200, Some(token)) if token.len() <= LONGEST_TOKEN && !token.is_empty() => Ok(Zeroizing::new(token)),
            (200, _) => Err(failed("the metadata service gave no readable token")),
            (status, _) => Err(refused(status, "for a token")),
        });
        match token {
            Ok(token) => Ok(Some(token)),
            Err(error) if self.surroundings.variables.is_true("ALIBABA_CLOUD_IMDSV1_DISABLED") => {
                Err(error.hint("ALIBABA_CLOUD_IMDSV1_DISABLED forbids to go on without a token"))
            }
            Err(_) => Ok(None),
        }
    }

    fn get(&self, path: &str, token: Option<&str>, stop: &Arc<AtomicBool>) -> Result<HttpAnswer> {
        self.ask("GET", path, token.map(|token| ("x-aliyun-ecs-metadata-token", token)), stop)
    }

    fn attached_role(&self, token: Option<&str>, stop: &Arc<AtomicBool>) -> Result<String> {
        let answer = self.get(ROLES_PATH, token, stop)?;
        let role = text(&answer).and_then(|text| text.lines().next().map(|line| line.trim().to_owned()));
        match (answer.status, role) {
            (200, Some(role)) if is_role(&role) => Ok(role),
            (200 | 404, _) => Err(failed("the instance has no RAM role")),
            (status, _) => Err(refused(status, "for the name of the role")),
        }
    }
}

impl Provider for EcsRole {
    fn name(&self) -> String {
        "ecs-role".into()
    }

    fn check(&self) -> Result<()> {
        if self.surroundings.variables.is_true("ALIBABA_CLOUD_ECS_METADATA_DISABLED") {
            return Err(failed("ALIBABA_CLOUD_ECS_METADATA_DISABLED switches it off"));
        }
        Ok(())
    }

    fn fetch(&self, stop: &Arc<AtomicBool>) -> Result<Issued> {
        self.check()?;
        let token = self.token(stop)?;
        let token = token.as_ref().map(|token| token.as_str());
        let role = match &self.role {
            Some(role) => role.clone(),
            None => self.attached_role(token, stop)?,
        };
        let answer = self.get(&format!("{ROLES_PATH}{role}"), token, stop)?;
        match answer.status {
            200 => {}
            404 => return Err(failed(format!("the instance has no RAM role {role}"))),
            status => return Err(refused(status, &format!("for the role {role}"))),
        }
        let no_use = |why| failed(format!("the metadata service's answer for the role {role} {why}"));
        let answer = KeyAnswer::parse(&answer.body).map_err(no_use)?;
        match answer.code.as_deref() {
            Some("Success") => answer.into_issued().map_err(no_use),
            code => Err(no_use(format!("has the code {}", word(code.unwrap_or_default()))).with_retryable(true)),
        }
    }
}

fn refused(status: u16, what: &str) -> Error {
    failed(format!("the metadata service answered {status} when asked {what}")).with_retryable(status >= 500)
}

fn text(answer: &HttpAnswer) -> Option<String> {
    let text = std::str::from_utf8(&answer.body).ok()?.trim();
    text.bytes().all(|b| b.is_ascii_graphic() || b == b'\n' || b == b'\r').then(|| text.to_owned())
}

fn is_role(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Script, surroundings};
    use super::*;

    const KEY: &str = r#"{"AccessKeyId":"STS.x","AccessKeySecret":"sss","SecurityToken":"ttt",
        "Expiration":"2023-12-16T22:20:57Z","LastUpdated":"2023-12-16T16:20:57Z","Code":"Success"}"#;

    fn fetch(variables: &[(&str, &str)], role: Option<&str>, script: &Script) -> Result<Issued> {
        EcsRole::new(surroundings(variables, script), role).unwrap().fetch(&Arc::default())
    }

    fn lines(script: &Script) -> Vec<String> {
        script.asked().into_iter().map(|asked| asked.line.replace("http://100.100.100.200/latest/", "")).collect()
    }

    #[test]
    fn the_hardened_mode_is_tried_first() {
        let script = Script::new([(200, "metadata-token"), (200, "my-role\n"), (200, KEY)]);
        let issued = fetch(&[], None, &script).unwrap();
        assert_eq!(issued.credentials.access_key_id(), "STS.x");
        assert!(issued.expires.is_some());
        let roles = "meta-data/ram/security-credentials/";
        assert_eq!(lines(&script), ["PUT api/token", &format!("GET {roles}"), &format!("GET {roles}my-role")]);
        let asked = script.asked();
        assert_eq!(asked[0].headers, [("x-aliyun-ecs-metadata-token-ttl-seconds".into(), "21600".into())]);
        assert_eq!(asked[2].headers, [("x-aliyun-ecs-metadata-token".into(), "metadata-token".into())]);
        assert!(asked.iter().all(|asked| asked.timeouts == (PATIENCE, PATIENCE)));
    }

    #[test]
    fn without_a_token_it_goes_on_unless_that_is_forbidden() {
        for refusal in [(404, ""), (0, "timed out"), (200, "")] {
            let script = Script::new([refusal, (200, KEY)]);
            fetch(&[], Some("role"), &script).unwrap();
            assert_eq!(script.asked()[1].headers, []);
            let script = Script::new([refusal]);
            let error = fetch(&[("ALIBABA_CLOUD_IMDSV1_DISABLED", "true")], Some("role"), &script).unwrap_err();
            assert!(error.message().contains("ALIBABA_CLOUD_IMDSV1_DISABLED"), "{error}");
        }
    }

    #[test]
    fn the_role_may_be_given_and_so_may_the_address() {
        let script = Script::new([(200, "t"), (200, KEY)]);
        let given =
            [("ALIBABA_CLOUD_ECS_METADATA", "named"), ("ALIBABA_CLOUD_ECS_METADATA_ENDPOINT", "http://127.0.0.1:99/")];
        fetch(&given, None, &script).unwrap();
        assert_eq!(script.asked()[1].line, "GET http://127.0.0.1:99/latest/meta-data/ram/security-credentials/named");
        assert!(EcsRole::new(surroundings(&[], &script), Some("../x")).is_err());
    }

    #[test]
    fn failures_are_told() {
        for (answers, retryable, expected) in [
            ([(404, ""), (404, ""), (0, "")], false, "the instance has no RAM role"),
            ([(200, "t"), (500, ""), (0, "")], true, "answered 500 when asked for the name of the role"),
            ([(200, "t"), (200, "a/b"), (0, "")], false, "the instance has no RAM role"),
            ([(200, "t"), (200, "r"), (404, "")], false, "the instance has no RAM role r"),
            ([(200, "t"), (200, "r"), (200, "sss")], false, "for the role r is not the JSON"),
            ([(200, "t"), (200, "r"), (200, r#"{"Code":"Failed"}"#)], true, "has the code Failed"),
            ([(200, "t"), (200, "r"), (0, "no route")], true, "no route"),
        ] {
            let error = fetch(&[], None, &Script::new(answers)).unwrap_err();
            assert!(error.message().contains(expected), "{error}");
            assert_eq!(error.is_retryable(), retryable, "{error}");
        }
        let off = [("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")];
        let error = fetch(&off, None, &Script::new([])).unwrap_err();
        assert!(error.message().contains("ALIBABA_CLOUD_ECS_METADATA_DISABLED"), "{error}");
    }
}
