//! How soon a phone's download begins while strangers hold connections to the image server.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axlpaper::domain::model::by_number;
use axlpaper::domain::nat::DownloadSources;
use axlpaper::image_server::{ImageHost, Recipient};
use axlpaper::media::{Picture, PreparedImage, demo_picture, prepare};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::Failure;
use crate::load::{LIMIT, NAME, host};
use crate::process::file_limit;
use crate::table::{Bound, Table};

/// Measures it with each number of strangers, and with none.
pub async fn measure(ladder: &[usize], table: &mut Table) -> Result<(), Failure> {
    let image = by_number(683).and_then(|model| model.image).ok_or("a model is missing")?;
    let picture = Picture::from(demo_picture());
    let prepared = Arc::new(tokio::task::block_in_place(|| prepare(&picture, &image))?);
    let alone = fetch_among(0, &prepared).await?;
    for &strangers in ladder {
        // Both ends of a connection are here; the server closes its own beyond the quota.
        let files = strangers + 1_000;
        if file_limit().is_some_and(|limit| limit < files) {
            table.note(format!("{strangers} strangers: not measured, needs {files} open files"));
            continue;
        }
        let among = fetch_among(strangers, &prepared).await?;
        table.ratio(
            format!("first byte of a download, {strangers} idle and dripping strangers: / 1 s"),
            among.worst.as_secs_f64(),
            Bound::AtMost(1.0),
            &format!(
                "worst of {PHONES}; median {:.1} ms, with no stranger {:.1} ms",
                among.median.as_secs_f64() * 1e3,
                alone.median.as_secs_f64() * 1e3
            ),
        );
    }
    Ok(())
}

/// Times to the first byte of several phones' downloads.
struct Waits {
    median: Duration,
    worst: Duration,
}

async fn fetch_among(strangers: usize, prepared: &Arc<PreparedImage>) -> Result<Waits, Failure> {
    let host = Arc::new(host()?);
    let stop = CancellationToken::new();
    let mut held = JoinSet::new();
    let there = Arc::new(Semaphore::new(0));
    for n in 0..strangers {
        held.spawn(stop.clone().run_until_cancelled_owned(hold(n, host.clone(), there.clone())));
    }
    // All of them have been there once before the first phone comes.
    let all = u32::try_from(strangers)?;
    tokio::time::timeout(LIMIT, there.acquire_many(all)).await??.forget();
    let mut waits = Vec::new();
    for n in 0..PHONES {
        waits.push(fetch(n, &host, prepared).await?);
    }
    stop.cancel();
    held.join_all().await;
    waits.sort();
    Ok(Waits { median: waits[waits.len() / 2], worst: waits[waits.len() - 1] })
}

/// Holds a connection from an address of its own, and comes back when it is closed: every other one never says
/// anything, the others send their request a byte at a time.
async fn hold(n: usize, host: Arc<ImageHost>, there: Arc<Semaphore>) {
    let octet = |at: usize| u8::try_from(at % 250).unwrap_or_default();
    let address = Ipv4Addr::new(127, 66, octet(n / 250), octet(n) + 1);
    let mut first = Some(there);
    loop {
        if let Ok(mut stream) = connect(address, &host).await {
            if let Some(there) = first.take() {
                there.add_permits(1);
            }
            let mut byte = [0; 1];
            if n.is_multiple_of(2) {
                let _closed = stream.read(&mut byte).await.is_ok();
            } else {
                while stream.write_all(b"G").await.is_ok() {
                    tokio::time::sleep(DRIP).await;
                }
            }
        }
        tokio::time::sleep(COMES_BACK).await;
    }
}

async fn fetch(
    n: u8,
    host: &ImageHost,
    prepared: &Arc<PreparedImage>,
) -> Result<Duration, Failure> {
    let address = Ipv4Addr::new(127, 5, 0, n + 1);
    let device = format!("SEP{n:012}").parse()?;
    let sources = DownloadSources::of([IpAddr::V4(address)]);
    let recipient = Recipient { device: &device, sources: &sources };
    let schema = axlpaper::domain::model::PushSchema::Classic;
    let urls = host.publish(recipient, prepared.clone(), schema, NAME)?;
    let path = urls.image_url.splitn(4, '/').nth(3).ok_or("an address has no path")?.to_owned();
    let begun = Instant::now();
    let mut stream = connect(address, host).await?;
    stream.write_all(format!("GET /{path} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes()).await?;
    let mut byte = [0; 1];
    stream.read_exact(&mut byte).await?;
    let waited = begun.elapsed();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await?;
    drop(stream);
    if !rest.ends_with(&prepared.background.png) {
        return Err("a download is not complete".into());
    }
    if !host.wait_complete(&urls.token, Duration::ZERO).await.downloads.is_plain() {
        return Err("a stranger has downloaded something".into());
    }
    Ok(waited)
}

async fn connect(address: Ipv4Addr, host: &ImageHost) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((address, 0).into())?;
    socket.connect(host.address()).await
}

/// Phones that download, one after the other.
const PHONES: u8 = 50;
/// How long a dripping stranger waits between two bytes.
const DRIP: Duration = Duration::from_millis(500);
/// How long a stranger stays away whose connection was closed.
const COMES_BACK: Duration = Duration::from_secs(2);
