//! The network between the program and the cluster, which can be cut.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Forwards connections to a cluster until it is cut.
pub struct Link {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// So many connections are still turned away; nothing when the link is whole.
    cut_for: Option<u64>,
    open: Vec<TcpStream>,
    closed: bool,
}

impl Link {
    pub fn to(cluster: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let mut state = shared.lock().unwrap();
                if state.closed {
                    return;
                }
                if let Some(left) = state.cut_for {
                    state.cut_for = left.checked_sub(1).filter(|left| *left > 0);
                    continue;
                }
                let Ok(server) = TcpStream::connect(cluster) else { continue };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    std::thread::spawn(move || copy(from, to));
                }
                state.open.extend([client, server]);
            }
        });
        Self { address, state }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Breaks all connections, and turns the next ones away.
    pub fn cut(&self, connections: u64) {
        let mut state = self.state.lock().unwrap();
        state.cut_for = Some(connections);
        for stream in state.open.drain(..) {
            // It may be closed already.
            let _gone = stream.shutdown(Shutdown::Both);
        }
    }

    /// Forwards new connections again.
    pub fn heal(&self) {
        self.state.lock().unwrap().cut_for = None;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.cut(0);
        self.state.lock().unwrap().closed = true;
        // The thread that accepts looks at the state with the next connection.
        drop(TcpStream::connect(self.address));
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _gone = to.shutdown(Shutdown::Write);
}
