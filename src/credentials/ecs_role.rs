//! Credentials of the RAM role that an ECS instance has, from the metadata service inside the machine's own network.

use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::key_response::{KeyResponse, word};
use super::{Fetched, Issued, Provider, ProviderContext, Unavailable, failed, not_configured};
use crate::error::{Error, Result};
use crate::http::{Limits, Method, NoResponse, Request, Response};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::text;

const METADATA: &str = "http://100.100.100.200";
const TOKEN_PATH: &str = "/latest/api/token";
const ROLES_PATH: &str = "/latest/meta-data/ram/security-credentials/";
/// It is on the same machine, or there is none.
const PATIENCE: Duration = Duration::from_secs(1);
const TOKEN_SECONDS: &str = "21600";
const LONGEST_TOKEN: usize = 1024;

pub(super) struct EcsRole {
    context: Arc<ProviderContext>,
    /// `None`: the metadata service is asked which role the instance has.
    role: Option<String>,
    disabled: bool,
    needs_token: bool,
}

/// The token that the hardened mode asks for with every request.
enum Token {
    Given(Zeroizing<String>),
    /// There is none, and none may be needed.
    None {
        /// The service was there.
        reached: bool,
    },
}

impl Token {
    fn text(&self) -> Option<&str> {
        match self {
            Token::Given(token) => Some(token),
            Token::None { .. } => None,
        }
    }
}

impl EcsRole {
    pub(super) fn new(context: Arc<ProviderContext>, role: Option<&str>) -> Result<Self> {
        let variables = &context.variables;
        let disabled = variables.is_true("ALIBABA_CLOUD_ECS_METADATA_DISABLED")?;
        let needs_token = variables.is_true("ALIBABA_CLOUD_IMDSV1_DISABLED")?;
        let by_variable = if disabled { None } else { variables.get("ALIBABA_CLOUD_ECS_METADATA")? };
        let role = role.or(by_variable).map(str::to_owned);
        if let Some(role) = &role
            && !is_role(role)
        {
            return Err(Error::invalid(
                "the name of the ECS RAM role may contain only letters, digits, '.', '-' and '_'",
            ));
        }
        Ok(EcsRole { context, role, disabled, needs_token })
    }

    fn ask(
        &self,
        method: Method,
        path: &str,
        header: Option<(&'static str, &str)>,
        stop: &Arc<AtomicBool>,
    ) -> std::result::Result<Response, NoResponse> {
        let given = self.context.variables.get("ALIBABA_CLOUD_ECS_METADATA_ENDPOINT");
        let server = given.map_err(|error| NoResponse { error, reached: true })?.unwrap_or(METADATA);
        let url = format!("{}{path}", server.trim_end_matches('/'));
        let headers = header.into_iter().collect();
        let request = Request { method, url: &url, headers, body: &[], limits: Limits::all(PATIENCE) };
        self.context.send(&request, stop)
    }

    fn get(&self, path: &str, token: &Token, stop: &Arc<AtomicBool>) -> std::result::Result<Response, NoResponse> {
        self.ask(Method::Get, path, token.text().map(|token| ("x-aliyun-ecs-metadata-token", token)), stop)
    }

    fn token(&self, stop: &Arc<AtomicBool>) -> Fetched<Token> {
        let header = ("x-aliyun-ecs-metadata-token-ttl-seconds", TOKEN_SECONDS);
        let response = self.ask(Method::Put, TOKEN_PATH, Some(header), stop);
        let token = response.and_then(|response| match (response.status, text(&response)) {
            (200, Some(token)) if token.len() <= LONGEST_TOKEN && !token.is_empty() => Ok(Zeroizing::new(token)),
            (200, _) => Err(NoResponse::answered(failed("the metadata service returned no readable token"))),
            (status, _) => Err(NoResponse::answered(refused(status, "for a token"))),
        });
        match token {
            Ok(token) => Ok(Token::Given(token)),
            Err(failure) if self.needs_token => Err(self.judge(
                NoResponse {
                    error: failure.error.hint("ALIBABA_CLOUD_IMDSV1_DISABLED forbids continuing without a token"),
                    ..failure
                },
                stop,
            )),
            Err(failure) => Ok(Token::None { reached: failure.reached }),
        }
    }

    /// Where no role is named and no metadata service is, this is no ECS instance: nothing is configured.
    fn judge(&self, failure: NoResponse, stop: &AtomicBool) -> Unavailable {
        let is_absent = !failure.reached && self.role.is_none() && !stop.load(Ordering::Relaxed);
        if is_absent { Unavailable::NotConfigured(failure.error) } else { failure.into() }
    }

    fn attached_role(&self, token: &Token, stop: &Arc<AtomicBool>) -> Fetched<String> {
        let was_reached = !matches!(token, Token::None { reached: false });
        let response = self
            .get(ROLES_PATH, token, stop)
            .map_err(|failure| self.judge(NoResponse { reached: failure.reached || was_reached, ..failure }, stop))?;
        let text = text(&response);
        let role = text.as_deref().map(|text| text.lines().next().unwrap_or_default().trim());
        match (response.status, role) {
            (404, _) | (200, Some("")) => Err(not_configured("the instance has no RAM role")),
            (200, Some(role)) if is_role(role) => Ok(role.to_owned()),
            (200, _) => Err(failed("the metadata service returned no readable role name").into()),
            (status, _) => Err(refused(status, "for the name of the role").into()),
        }
    }
}

impl Provider for EcsRole {
    fn name(&self) -> String {
        "ecs-role".into()
    }

    fn check(&self) -> Fetched<()> {
        if self.disabled {
            return Err(not_configured("ALIBABA_CLOUD_ECS_METADATA_DISABLED disables it"));
        }
        Ok(())
    }

    fn fetch(&self, stop: &Arc<AtomicBool>) -> Fetched<Issued> {
        self.check()?;
        let token = self.token(stop)?;
        let role = match &self.role {
            Some(role) => role.clone(),
            None => self.attached_role(&token, stop)?,
        };
        let response = self.get(&format!("{ROLES_PATH}{role}"), &token, stop)?;
        match response.status {
            200 => {}
            404 => return Err(failed(format!("the instance has no RAM role {role}")).into()),
            status => return Err(refused(status, &format!("for the role {role}")).into()),
        }
        let no_use = |why| failed(format!("the metadata service's response for the role {role} {why}"));
        let response = KeyResponse::parse(&response.body).map_err(no_use)?;
        match response.code.as_deref() {
            Some("Success") => Ok(response.into_issued().map_err(no_use)?.from(format!("ecs-role {role}"))),
            code => Err(no_use(format!("has the code {}", word(code.unwrap_or_default()))).with_retryable(true).into()),
        }
    }
}

fn refused(status: u16, what: &str) -> Error {
    failed(format!("the metadata service returned {status} when asked {what}"))
        .with_retryable(matches!(status, 408 | 429 | 500..))
}

fn text(response: &Response) -> Option<String> {
    let text = text::utf8(&response.body).ok()?.trim();
    text.bytes().all(|b| b.is_ascii_graphic() || b == b'\n' || b == b'\r').then(|| text.to_owned())
}

fn is_role(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Script, context};
    use super::*;

    const KEY: &str = r#"{"AccessKeyId":"STS.x","AccessKeySecret":"sss","SecurityToken":"ttt",
        "Expiration":"2023-12-16T22:20:57Z","LastUpdated":"2023-12-16T16:20:57Z","Code":"Success"}"#;

    fn fetch(variables: &[(&str, &str)], role: Option<&str>, script: &Script) -> Result<Issued> {
        ask(variables, role, script).map_err(Unavailable::into_error)
    }

    fn ask(variables: &[(&str, &str)], role: Option<&str>, script: &Script) -> Fetched<Issued> {
        EcsRole::new(context(variables, script), role)?.fetch(&Arc::default())
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
        assert!(EcsRole::new(context(&[], &script), Some("../x")).is_err());
    }

    #[test]
    fn nothing_is_configured_where_there_is_no_service_or_no_role() {
        let no_token = ("ALIBABA_CLOUD_IMDSV1_DISABLED", "true");
        let role = ("ALIBABA_CLOUD_ECS_METADATA", "role");
        let off = ("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true");
        for (given, responses) in [
            (&[][..], [(0, ""), (0, "")]),
            (&[], [(200, "t"), (404, "")]),
            (&[], [(404, ""), (404, "")]),
            (&[], [(200, "t"), (200, "\n")]),
            (&[no_token], [(0, ""), (0, "")]),
            (&[off], [(0, ""), (0, "")]),
            (&[off, role], [(0, ""), (0, "")]),
            (&[off, ("ALIBABA_CLOUD_ECS_METADATA", "a/b")], [(0, ""), (0, "")]),
        ] {
            let why = ask(given, None, &Script::new(responses)).unwrap_err();
            assert!(matches!(why, Unavailable::NotConfigured(_)), "{given:?} {responses:?}: {why:?}");
        }
    }

    #[test]
    fn who_is_there_or_named_and_does_not_answer_has_failed() {
        let no_token = ("ALIBABA_CLOUD_IMDSV1_DISABLED", "true");
        let role = ("ALIBABA_CLOUD_ECS_METADATA", "role");
        for (given, responses, retryable) in [
            (&[role][..], [(0, "no route"), (0, "no route")], true),
            (&[], [(1, "timed out"), (0, "no route")], true),
            (&[], [(0, "no route"), (1, "timed out")], true),
            (&[], [(500, ""), (0, "no route")], true),
            (&[], [(200, "t"), (1, "timed out")], true),
            (&[], [(200, "t"), (500, "")], true),
            (&[], [(404, ""), (403, "")], false),
            (&[no_token], [(1, "timed out"), (0, "")], true),
            (&[no_token], [(404, ""), (0, "")], false),
            (&[no_token, role], [(0, "no route"), (0, "")], true),
        ] {
            let why = ask(given, None, &Script::new(responses)).unwrap_err();
            let Unavailable::Failed(error) = why else { panic!("{given:?} {responses:?}: {why:?}") };
            assert_eq!(error.is_retryable(), retryable, "{given:?} {responses:?}: {error}");
        }
        let stopped = EcsRole::new(context(&[], &Script::new([(0, ""), (0, "")])), None).unwrap();
        let why = stopped.fetch(&Arc::new(AtomicBool::new(true))).unwrap_err();
        assert!(matches!(why, Unavailable::Failed(_)), "{why:?}");
    }

    #[test]
    fn failures_are_told() {
        for (responses, retryable, expected) in [
            ([(404, ""), (404, ""), (0, "")], false, "the instance has no RAM role"),
            ([(200, "t"), (500, ""), (0, "")], true, "returned 500 when asked for the name of the role"),
            ([(200, "t"), (200, "a/b"), (0, "")], false, "returned no readable role name"),
            ([(200, "t"), (429, ""), (0, "")], true, "returned 429"),
            ([(200, "t"), (200, "r"), (404, "")], false, "the instance has no RAM role r"),
            ([(200, "t"), (200, "r"), (200, "sss")], false, "for the role r is not the expected JSON"),
            ([(200, "t"), (200, "r"), (200, r#"{"Code":"Failed"}"#)], true, "has the code Failed"),
            ([(200, "t"), (200, "r"), (0, "no route")], true, "no route"),
        ] {
            let error = fetch(&[], None, &Script::new(responses)).unwrap_err();
            assert!(error.message().contains(expected), "{error}");
            assert_eq!(error.is_retryable(), retryable, "{error}");
        }
        let off = [("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")];
        let error = fetch(&off, None, &Script::new([])).unwrap_err();
        assert!(error.message().contains("ALIBABA_CLOUD_ECS_METADATA_DISABLED"), "{error}");
    }
}
