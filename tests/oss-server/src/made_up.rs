//! Responses that a fault script makes up.

use crate::config::Quirks;
use crate::error::OssError;
use crate::fault::{Action, ResponseBody};
use crate::response::Response;

/// The response that a `status` action asks for; `head` says that it has no room for a body.
pub(crate) fn response(action: &Action, request_id: &str, host: &str, head: bool) -> Option<Response> {
    let Action::Status { status, code, message, headers, body, text, .. } = action else { return None };
    let code = code.clone().unwrap_or_else(|| usual_code(*status).to_owned());
    let message = message.clone().unwrap_or_else(|| format!("A fault script asked for {code}."));
    let error = OssError::new(*status, &code, usual_ec(&code), message.clone());
    let mut response = match body {
        ResponseBody::Xml => Response::error(&error, Quirks::default(), request_id, host, head),
        ResponseBody::Empty => Response::new(*status),
        ResponseBody::Text => Response::new(*status).header("Content-Type", "text/plain").bytes(text.clone()?),
        ResponseBody::Html => Response::new(*status).header("Content-Type", "text/html").bytes(format!(
            "<html>\r\n<head><title>{status} {code}</title></head>\r\n<body>\r\n<center><h1>{status} {code}</h1>\
             </center>\r\n<hr><center>proxy</center>\r\n</body>\r\n</html>\r\n"
        )),
        ResponseBody::Json => {
            let fields = serde_json::json!({
                "Code": code, "Message": message, "RequestId": request_id, "HostId": host
            });
            Response::new(*status).header("Content-Type", "application/json").bytes(fields.to_string())
        }
    };
    response.code = Some(code);
    for (name, value) in headers {
        response.rewrite(name, |_| None);
        response = response.header(name, value);
    }
    Some(response)
}

fn usual_code(status: u16) -> &'static str {
    match status {
        400 => "BadRequest",
        403 => "AccessDenied",
        404 => "NoSuchKey",
        408 => "RequestTimeout",
        409 => "OperationAborted",
        411 => "MissingContentLength",
        412 => "PreconditionFailed",
        429 => "QpsLimitExceeded",
        500 => "InternalError",
        502 => "BadGateway",
        503 => "ServiceUnavailable",
        504 => "GatewayTimeout",
        _ => "FaultScript",
    }
}

fn usual_ec(code: &str) -> &'static str {
    match code {
        "SecurityTokenExpired" => "0002-00000007",
        "RequestTimeTooSkewed" => "0002-00000504",
        "NoSuchUpload" => "0042-00000002",
        "AccessDenied" => "0003-00000001",
        _ => "",
    }
}
