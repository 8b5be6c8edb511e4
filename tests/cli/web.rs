//! A web server of somebody else, which pictures can stand on.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use axlpaper::domain::model;
use axlpaper::media::{Picture, demo_picture, prepare};

/// What a path is answered with: the whole answer, head and body.
pub type Page = Vec<u8>;

/// A server that runs until the test ends.
pub struct Web {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Web {
    pub fn new(pages: HashMap<String, Page>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (pages, log) = (Arc::new(pages), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let (pages, log) = (Arc::clone(&pages), Arc::clone(&log));
                std::thread::spawn(move || {
                    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                    let Some(Ok(first)) = lines.next() else { return };
                    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
                    let head: Vec<String> =
                        lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
                    let secret =
                        head.iter().any(|line| line.to_lowercase().starts_with("authorization"));
                    log.lock().unwrap().push(if secret {
                        format!("SECRET {path}")
                    } else {
                        path.clone()
                    });
                    let missing = page(404, "text/html", b"not here");
                    // Whoever goes away before the end is not this server's trouble.
                    let _sent = stream.write_all(pages.get(&path).unwrap_or(&missing)).is_ok();
                });
            }
        });
        Self { address, asked }
    }

    /// A server that has the pictures of these models, and of no others, in their folders.
    pub fn with_pictures(models: &[u32]) -> Self {
        Self::new(pictures(models))
    }

    /// Returns an address on this server.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Returns the paths that were asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// The pictures of models, in their folders.
pub fn pictures(models: &[u32]) -> HashMap<String, Page> {
    let picture = Picture::from(demo_picture());
    let mut pages = HashMap::new();
    for model in models {
        let spec = model::by_number(*model).unwrap().image.unwrap();
        let made = prepare(&picture, &spec).unwrap();
        let folder = spec.tftp_directory;
        pages.insert(format!("/{folder}/w.png"), page(200, "image/png", &made.background.png));
        pages.insert(format!("/{folder}/t.png"), page(200, "image/png", &made.thumbnail.png));
    }
    pages
}

/// An answer.
pub fn page(status: u16, kind: &str, body: &[u8]) -> Page {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}
