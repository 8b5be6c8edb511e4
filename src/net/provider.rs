//! The one crypto provider of the program.

use std::sync::{Arc, Once};

use rustls::crypto::CryptoProvider;

/// Returns the provider that every TLS configuration here is built with.
///
/// It is also installed as the default of the process, once: `reqwest` panics without a default
/// provider as soon as a client is built, even when that client only speaks plain HTTP.
pub fn provider() -> Arc<CryptoProvider> {
    INSTALL.call_once(|| {
        // Somebody may have installed one already; then theirs stays, and nothing is wrong.
        drop(rustls::crypto::ring::default_provider().install_default());
    });
    Arc::new(rustls::crypto::ring::default_provider())
}

static INSTALL: Once = Once::new();
