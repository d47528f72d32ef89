//! The simulator as a server: the same router behind real connections, which it can really drop.
//!
//! The connections are served by hand rather than by axum, because only a service that fails closes its connection
//! without an answer.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::reply::{ConnectionDropped, Delay};
use crate::simulator::Simulator;

/// How long a stopping server waits for answers under way; after that it closes their connections.
const SHUTDOWN_MAX: Duration = Duration::from_secs(2);
/// How long it waits after a connection could not be accepted, so that a lack of file handles is no busy loop.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Serves the simulator until the future is dropped, which closes all connections.
///
/// # Errors
/// None at present: a connection that can't be accepted is let go.
pub async fn serve(listener: TcpListener, simulator: Simulator) -> io::Result<()> {
    serve_until(listener, simulator, pending()).await
}

/// Serves the simulator until `stop` is ready, then lets answers under way finish, for two seconds at most.
///
/// # Errors
/// None at present: a connection that can't be accepted is let go.
pub async fn serve_until(
    listener: TcpListener,
    simulator: Simulator,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let router = simulator.router();
    let graceful = GracefulShutdown::new();
    // Tasks that end with this set: a dropped server leaves no connection behind.
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let connection = http1::Builder::new().serve_connection(
                        TokioIo::new(without_delay(stream)),
                        service_fn({
                            let router = router.clone();
                            move |request| respond(router.clone(), request)
                        }),
                    );
                    let connection = graceful.watch(connection);
                    // Its error is the dropped connection itself, or the client's going away.
                    connections.spawn(async move { drop(connection.await) });
                }
                Err(_) => tokio::time::sleep(ACCEPT_RETRY).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    // Late answers are abandoned, with the set of their connections.
    drop(tokio::time::timeout(SHUTDOWN_MAX, graceful.shutdown()).await);
    Ok(())
}

/// The failure that makes a connection close without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped on purpose")]
struct DroppedOnPurpose;

async fn respond(router: Router, request: Request<Incoming>) -> Result<Response<Body>, DroppedOnPurpose> {
    let answered: Result<Response<Body>, Infallible> = router.oneshot(request.map(Body::new)).await;
    let response = match answered {
        Ok(response) => response,
        Err(never) => match never {},
    };
    if response.extensions().get::<ConnectionDropped>().is_some() {
        return Err(DroppedOnPurpose);
    }
    if let Some(Delay(by)) = response.extensions().get() {
        tokio::time::sleep(*by).await;
    }
    Ok(response)
}

/// Small answers should not wait for more to send.
fn without_delay(stream: TcpStream) -> TcpStream {
    // Only a speed-up: without it the answers are the same.
    drop(stream.set_nodelay(true));
    stream
}
