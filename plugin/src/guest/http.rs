//! Sends one request over `wasi:http` and reads the whole answer.

use wasi::http::outgoing_handler::{ErrorCode, handle};
use wasi::http::types::{
    FieldName, FieldValue, Fields, IncomingBody, IncomingResponse, Method as WasiMethod, OutgoingBody,
    OutgoingRequest, Scheme,
};
use wasi::io::streams::{InputStream, StreamError};

use crate::host::SendError;
use crate::kisi::ORIGIN;
use crate::kisi::endpoint::{Method, Request, Response};

/// Largest answer. A full page of 250 rows has about 300 kB.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of the answer that are read at once.
const READ_BYTES: u64 = 64 * 1024;
/// Largest blocking write that the stream's contract allows.
const WRITE_BYTES: usize = 4096;

/// Sends a request to Kisi and waits for the whole answer.
pub(super) fn send(request: &Request) -> Result<Response, SendError> {
    let outgoing = outgoing(request)?;
    let body = outgoing.body().map_err(|()| not_sent("the request has no body to write"))?;
    let future = handle(outgoing, None).map_err(|error| classify(&error))?;
    write_body(body, request.body.as_deref().unwrap_or_default());
    future.subscribe().block();
    let response = match future.get() {
        Some(Ok(Ok(response))) => response,
        Some(Ok(Err(error))) => return Err(classify(&error)),
        Some(Err(())) | None => return Err(lost("the host gave no answer")),
    };
    read(&response)
}

fn outgoing(request: &Request) -> Result<OutgoingRequest, SendError> {
    let headers = Fields::new();
    let append = |name: &str, value: &str| {
        headers
            .append(&FieldName::from(name), &FieldValue::from(value))
            .map_err(|_| SendError::Denied(format!("the header {name} is refused")))
    };
    for (name, value) in &request.headers {
        append(name, value)?;
    }
    if let Some(body) = &request.body {
        append("content-type", "application/json")?;
        append("content-length", &body.len().to_string())?;
    }
    let outgoing = OutgoingRequest::new(headers);
    let method = match request.method {
        Method::Get => WasiMethod::Get,
        Method::Post => WasiMethod::Post,
        Method::Patch => WasiMethod::Patch,
        Method::Delete => WasiMethod::Delete,
    };
    let authority = ORIGIN.trim_start_matches("https://");
    let set = outgoing
        .set_method(&method)
        .and_then(|()| outgoing.set_scheme(Some(&Scheme::Https)))
        .and_then(|()| outgoing.set_authority(Some(authority)))
        .and_then(|()| outgoing.set_path_with_query(Some(&request.path)));
    set.map_err(|()| not_sent("the request's path is not a path"))?;
    Ok(outgoing)
}

fn write_body(body: OutgoingBody, bytes: &[u8]) {
    // If the host ended the request early, its answer says why.
    if let Ok(stream) = body.write() {
        for chunk in bytes.chunks(WRITE_BYTES) {
            if stream.blocking_write_and_flush(chunk).is_err() {
                break;
            }
        }
        drop(stream);
    }
    // For the same reason an incomplete body is no error here.
    let _finished = OutgoingBody::finish(body, None);
}

fn read(response: &IncomingResponse) -> Result<Response, SendError> {
    let headers = response.headers();
    let header = |name: &str| {
        let value = headers.get(&FieldName::from(name)).into_iter().next()?;
        String::from_utf8(value).ok()
    };
    let collection_range = header("x-collection-range");
    let retry_after = header("retry-after").and_then(|value| value.trim().parse().ok());
    let status = response.status();
    let body = response.consume().map_err(|()| lost("the answer's body is missing"))?;
    let stream = body.stream().map_err(|()| lost("the answer's body is missing"))?;
    let bytes = read_to_end(&stream)?;
    drop(stream);
    drop(IncomingBody::finish(body));
    Ok(Response { status, collection_range, retry_after, body: bytes })
}

fn read_to_end(stream: &InputStream) -> Result<Vec<u8>, SendError> {
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(READ_BYTES) {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(_)) => {
                return Err(lost("the connection was cut within the answer"));
            }
        }
        if bytes.len() > BODY_BYTES_MAX {
            return Err(lost("the answer is too large"));
        }
    }
}

/// Whether a failed request may have reached Kisi. In doubt it may.
fn classify(error: &ErrorCode) -> SendError {
    let (kind, why): (fn(&str) -> SendError, &str) = match error {
        ErrorCode::HttpRequestDenied => (denied, "not allowed by its policy"),
        ErrorCode::DestinationIpProhibited => (denied, "the address is not allowed"),
        ErrorCode::HttpRequestHeaderSectionSize(_) | ErrorCode::HttpRequestHeaderSize(_) => {
            (denied, "the headers are too large")
        }
        ErrorCode::HttpRequestUriInvalid | ErrorCode::HttpRequestMethodInvalid => (denied, "it is not valid"),
        ErrorCode::HttpRequestBodySize(_) => (denied, "the body is too large"),
        ErrorCode::DnsTimeout | ErrorCode::DnsError(_) => (not_sent, "its name cannot be resolved"),
        ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable => (not_sent, "there is no way to it"),
        ErrorCode::ConnectionRefused => (not_sent, "the connection was refused"),
        ErrorCode::ConnectionTimeout => (not_sent, "the connection took too long"),
        ErrorCode::ConnectionLimitReached => (not_sent, "the host's budget of requests is used up"),
        ErrorCode::TlsProtocolError | ErrorCode::TlsCertificateError | ErrorCode::TlsAlertReceived(_) => {
            (not_sent, "its certificate or encryption is not accepted")
        }
        ErrorCode::ConnectionTerminated => (lost, "the connection was cut"),
        ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => (lost, "the answer took too long"),
        ErrorCode::HttpResponseBodySize(_) => (lost, "the answer is too large"),
        _ => (lost, "the exchange failed"),
    };
    kind(why)
}

fn denied(why: &str) -> SendError {
    SendError::Denied(why.to_string())
}

fn not_sent(why: &str) -> SendError {
    SendError::NotSent(why.to_string())
}

fn lost(why: &str) -> SendError {
    SendError::Lost(why.to_string())
}
