use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket, lookup_host};

use super::{Lanes, Tls};

/// How many finished handshakes may wait for us; the kernel cuts it at `somaxconn`.
const BACKLOG: u32 = 4096;

/// A listener that has its address and does not accept yet.
#[derive(Debug)]
pub struct Bound {
    pub(super) listener: TcpListener,
    pub(super) tls: Option<Tls>,
    pub(super) lanes: Option<Lanes>,
    address: SocketAddr,
}

impl Bound {
    /// The address it really has; differs from what was asked for when that had port 0.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Speaks TLS on this listener, with HTTP/2 and HTTP/1.1 by ALPN.
    #[must_use]
    pub fn with_tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }
}

impl Bound {
    /// Serves its connections on these threads.
    #[must_use]
    pub fn on(mut self, lanes: Lanes) -> Self {
        self.lanes = Some(lanes);
        self
    }
}

/// A listener could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {problem}")]
pub struct BindError {
    /// The address as it was given.
    pub address: String,
    /// Where it was given, such as `--listen or listen.public`.
    pub setting: &'static str,
    /// What is wrong with it.
    pub problem: BindProblem,
}

/// Why a listener could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindProblem {
    /// Another socket has the port.
    #[error("the port is in use")]
    InUse,
    /// The process may not have it.
    #[error("permission denied")]
    PermissionDenied,
    /// No interface of this machine has the address.
    #[error("this machine does not have that address")]
    NotLocal,
    /// It is not an address and a port.
    #[error("it is not an address and a port")]
    Malformed,
    /// Anything else.
    #[error("{0}")]
    Other(io::Error),
}

impl BindError {
    /// What to do about it, in one sentence.
    pub fn hint(&self) -> String {
        let setting = self.setting;
        match self.problem {
            BindProblem::InUse => {
                format!("stop the program that has the port, or choose another with {setting}")
            }
            BindProblem::PermissionDenied => {
                format!("ports below 1024 need CAP_NET_BIND_SERVICE; choose another with {setting}")
            }
            BindProblem::NotLocal => {
                format!("choose an address of this machine, or 0.0.0.0 for all, with {setting}")
            }
            BindProblem::Malformed => {
                format!("give {setting} an address and a port, such as 127.0.0.1:8080")
            }
            BindProblem::Other(_) => format!("choose another address with {setting}"),
        }
    }
}

/// Opens a listener on `address` (`127.0.0.1:8080`, `[::1]:0`, `localhost:8080`).
///
/// `setting` names where the address came from, for the hint of an error: `--listen or
/// listen.public`.
///
/// # Errors
///
/// [`BindError`] says why the address cannot be had and what to do.
pub async fn bind(address: &str, setting: &'static str) -> Result<Bound, BindError> {
    match open(address).await {
        Ok((listener, address)) => Ok(Bound {
            listener,
            tls: None,
            lanes: None,
            address,
        }),
        Err(problem) => Err(BindError {
            address: address.to_owned(),
            setting,
            problem,
        }),
    }
}

async fn open(address: &str) -> Result<(TcpListener, SocketAddr), BindProblem> {
    let address = resolve(address).await.ok_or(BindProblem::Malformed)?;
    let listener = listen(address).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => BindProblem::InUse,
        ErrorKind::PermissionDenied => BindProblem::PermissionDenied,
        ErrorKind::AddrNotAvailable => BindProblem::NotLocal,
        _ => BindProblem::Other(error),
    })?;
    let address = listener.local_addr().map_err(BindProblem::Other)?;
    Ok((listener, address))
}

async fn resolve(address: &str) -> Option<SocketAddr> {
    if let Ok(address) = address.parse() {
        return Some(address);
    }
    lookup_host(address).await.ok()?.next()
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
