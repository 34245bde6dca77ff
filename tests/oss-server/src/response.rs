//! Responses, and their way to the connection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use base64::Engine;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{HeaderName, HeaderValue};

use crate::config::Quirks;
use crate::control::Control;
use crate::error::OssError;
use crate::store::BlobReader;
use crate::xml;

/// A response before it is put on the connection.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Payload,
    /// The error code, if it is an error.
    pub(crate) code: Option<String>,
    /// Whether something was stored.
    pub(crate) stored: bool,
}

/// What a response carries.
pub(crate) enum Payload {
    Bytes(Bytes),
    Blob(BlobReader),
}

impl Response {
    pub(crate) fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Payload::Bytes(Bytes::new()), code: None, stored: false }
    }

    pub(crate) fn xml(text: String) -> Self {
        Self::new(200).header("Content-Type", "application/xml").bytes(text)
    }

    pub(crate) fn header(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    pub(crate) fn bytes(mut self, bytes: impl Into<Bytes>) -> Self {
        self.body = Payload::Bytes(bytes.into());
        self
    }

    pub(crate) fn stored(mut self) -> Self {
        self.stored = true;
        self
    }

    /// An error, worded as OSS does it; a response to HEAD has no room for a body.
    pub(crate) fn error(error: &OssError, quirks: Quirks, request_id: &str, host: &str, head: bool) -> Self {
        let text = xml::error(error, quirks, request_id, host);
        let mut response = Self::new(error.status).header("Content-Type", "application/xml");
        for (name, value) in &error.headers {
            response = response.header(name, value);
        }
        if !error.ec.is_empty() {
            response = response.header("x-oss-ec", error.ec);
        }
        response.code = Some(error.code.clone());
        if head {
            response.header("x-oss-err", base64::engine::general_purpose::STANDARD.encode(text))
        } else {
            response.bytes(text)
        }
    }

    /// Changes the value of a header, if it is there; `None` takes the header out.
    pub(crate) fn rewrite(&mut self, name: &str, change: impl Fn(&str) -> Option<String>) {
        let headers = std::mem::take(&mut self.headers);
        self.headers = headers
            .into_iter()
            .filter_map(|(n, value)| {
                let value = if n.eq_ignore_ascii_case(name) { change(&value)? } else { value };
                Some((n, value))
            })
            .collect();
    }

    pub(crate) fn into_response(self, control: &Arc<Control>) -> hyper::Response<ResponseBody> {
        let body = ResponseBody { payload: self.body, control: control.clone() };
        let mut response = hyper::Response::new(body);
        *response.status_mut() = hyper::StatusCode::from_u16(self.status).unwrap_or_default();
        for (name, value) in self.headers {
            // What cannot be a header (a script may ask for it) is left out.
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value.as_bytes())) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

/// A body on its way; it tells the connection when it has been handed over.
pub(crate) struct ResponseBody {
    payload: Payload,
    control: Arc<Control>,
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = match &mut self.get_mut().payload {
            Payload::Bytes(bytes) => Ok(Some(std::mem::take(bytes)).filter(|bytes| !bytes.is_empty())),
            Payload::Blob(reader) => reader.next_piece(),
        };
        Poll::Ready(piece.transpose().map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.size_hint().exact() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match &self.payload {
            Payload::Bytes(bytes) => bytes.len() as u64,
            Payload::Blob(reader) => reader.left(),
        })
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        if self.control.unusual().is_some() {
            self.control.change(|settings| settings.response_complete = true);
        }
    }
}
