//! Downloads that are too long to be made at once: they are read from the database a page at a time
//! while they are sent.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::response::Response;
use claviger_service::Error;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use hyper::body::Frame;
use tokio::sync::mpsc;

/// Where the parts of a download are put in. A full one waits until the reader took a part; one
/// that fails says that there is no reader any more.
pub(crate) type Parts = mpsc::Sender<Result<Bytes, Error>>;

/// The parts of a download as they come.
struct Download {
    parts: mpsc::Receiver<Result<Bytes, Error>>,
}

impl hyper::body::Body for Download {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let part = self.parts.poll_recv(context);
        part.map(|part| part.map(|part| part.map(Frame::data)))
    }
}

/// A file to be saved under a name, made of the parts that `write` puts in. The name is our own: it
/// has letters, digits, dots and hyphens alone.
pub(crate) fn download<W>(
    name: &str,
    content_type: &'static str,
    write: impl FnOnce(Parts) -> W,
) -> Response
where
    W: Future<Output = ()> + Send + 'static,
{
    let (sender, parts) = mpsc::channel(1);
    tokio::spawn(write(sender));
    file(name, content_type, Body::new(Download { parts }))
}

/// A file to be saved under a name of our own.
pub(crate) fn file(name: &str, content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(saved_as) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(CONTENT_DISPOSITION, saved_as);
    }
    response
}
