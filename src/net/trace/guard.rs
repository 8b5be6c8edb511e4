//! A running exchange, which is handed to the trace when it ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::HeaderMap;

use crate::net::trace::exchange::{Exchange, MOST_BYTES, Request, beginning};
use crate::net::trace::queue::TraceQueue;

/// A running exchange. When it is dropped it is handed to the trace, whether it came to its end
/// or was cut off.
#[derive(Debug)]
pub struct ExchangeGuard(Option<Box<(Exchange, Arc<TraceQueue>)>>);

impl ExchangeGuard {
    /// Watches nothing.
    pub fn off() -> Self {
        Self(None)
    }

    pub(super) fn new(request: Request, desk: Arc<TraceQueue>) -> Self {
        let exchange = Exchange {
            request: Request { body: beginning(&request.body), ..request },
            began_at: Timestamp::now(),
            began: Instant::now(),
            took: Duration::ZERO,
            answer: None,
            body: Bytes::new(),
            body_bytes: 0,
            ended: "was cut off".to_owned(),
        };
        Self(Some(Box::new((exchange, desk))))
    }

    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Takes note of status and headers.
    pub fn answered(&mut self, status: u16, headers: &HeaderMap) {
        if let Some(watched) = &mut self.0 {
            watched.0.answer = Some((status, headers.clone()));
        }
    }

    /// Takes note of what came of the body.
    pub fn body(&mut self, body: &[u8]) {
        if let Some(watched) = &mut self.0 {
            watched.0.body_bytes = body.len();
            watched.0.body = Bytes::copy_from_slice(&body[..body.len().min(MOST_BYTES)]);
        }
    }

    /// Takes note of how it ended.
    pub fn ended<E: std::fmt::Display>(&mut self, result: Result<(), E>) {
        if let Some(watched) = &mut self.0 {
            watched.0.ended = match result {
                Ok(()) => "complete".to_owned(),
                Err(error) => error.to_string(),
            };
        }
    }
}

impl Drop for ExchangeGuard {
    fn drop(&mut self) {
        if let Some(watched) = self.0.take() {
            let (mut exchange, desk) = *watched;
            exchange.took = exchange.began.elapsed();
            desk.hand_over(exchange);
        }
    }
}
