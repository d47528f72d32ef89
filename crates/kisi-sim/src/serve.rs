//! The simulator as a server: the same router behind real connections, which it can drop.
//!
//! The connections are served with hyper and not with axum, because only a service that fails closes its connection
//! without an answer.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::reply::{ConnectionDropped, Delay};
use crate::simulator::Simulator;

/// The pause after a connection could not be accepted, so that a lack of file handles makes no busy loop.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Serves the simulator until the future is dropped, which closes all connections.
///
/// # Errors
/// None at present: a connection that can't be accepted is skipped.
pub async fn serve(listener: TcpListener, simulator: Simulator) -> io::Result<()> {
    let router = simulator.router();
    // These tasks end with the set: a dropped server leaves no connection open.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // Small answers are sent at once. Without it they are the same, but slower.
                    drop(stream.set_nodelay(true));
                    let router = router.clone();
                    let service = service_fn(move |request| respond(router.clone(), request));
                    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                    // The error is a dropped connection, or a client that closed it.
                    connections.spawn(async move { drop(connection.await) });
                }
                Err(_) => tokio::time::sleep(ACCEPT_RETRY).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// The failure that closes a connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped on purpose")]
struct DroppedOnPurpose;

async fn respond(router: Router, request: Request<Incoming>) -> Result<Response<Body>, DroppedOnPurpose> {
    let Ok(response): Result<_, Infallible> = router.oneshot(request.map(Body::new)).await;
    if response.extensions().get::<ConnectionDropped>().is_some() {
        return Err(DroppedOnPurpose);
    }
    if let Some(Delay(by)) = response.extensions().get() {
        tokio::time::sleep(*by).await;
    }
    Ok(response)
}
