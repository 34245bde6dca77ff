//! The steps of shared uploads: their texts go from one to the next by way of the runner.

use crate::executor::Order;
use crate::runner::Stage;
use crate::table::{Expected, SharedCall, SharedText};

/// Which texts a step gets.
pub struct SharedTexts<'a> {
    pub token: usize,
    pub damaged: Option<SharedText>,
    pub fragments: Option<&'a [usize]>,
}

impl SharedTexts<'_> {
    fn fragments(&self, all: &[String]) -> Vec<String> {
        match self.fragments {
            Some(chosen) => chosen.iter().map(|index| all[*index].clone()).collect(),
            None => all.to_vec(),
        }
    }
}

impl Stage<'_> {
    pub fn shared(
        &mut self,
        order: Order,
        call: SharedCall,
        texts: &SharedTexts<'_>,
        parts: [u32; 2],
        expect: &Expected,
    ) {
        let damage = |text: String, what| if texts.damaged == Some(what) { damaged(&text) } else { text };
        let token = || damage(self.tokens[texts.token].clone(), SharedText::Token);
        let order = match call {
            SharedCall::Begin => order.with("call", "begin"),
            SharedCall::SendParts => {
                let order = order.with("call", "send_parts").with("token", token());
                order.with("first", parts[0].to_string()).with("last", parts[1].to_string())
            }
            SharedCall::Finish => {
                let order = order.with("call", "finish").with("token", token());
                let mut fragments = texts.fragments(&self.fragments);
                if let Some(last) = fragments.pop() {
                    fragments.push(damage(last, SharedText::Fragment));
                }
                fragments.iter().fold(order, |order, fragment| order.with("fragment", fragment))
            }
            SharedCall::Abort => order.with("call", "abort").with("token", token()),
        };
        let response = self.executor.ask(order);
        if call == SharedCall::Finish && response.get("status") == "OSS_OK" {
            return self.ended(&response, expect);
        }
        self.check_error(&response);
        self.check(&response, expect);
        self.tokens.extend(response.all("token").iter().cloned());
        self.fragments.extend(response.all("fragment").iter().cloned());
    }
}

/// The text with another character in its middle.
fn damaged(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] = if bytes[middle] == b'x' { b'y' } else { b'x' };
    String::from_utf8(bytes).expect("keys of scenarios are ASCII")
}
