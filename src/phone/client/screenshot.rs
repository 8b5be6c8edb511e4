//! What a phone shows now: `GET /CGI/Screenshot`, with the push user's credentials.
//!
//! 88xx, 89xx and 99xx send a PNG file, 79xx a BMP file; 98xx do so over HTTPS only. What comes with another
//! content is an error, as published tools found: mostly a `CiscoIPPhoneError`.

use crate::phone::Reply;

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Screenshot {
    /// A file; whether it is a picture is for others to say.
    File(Vec<u8>),
    /// The phone refused the push user. As with a push, this can count against the account.
    AuthRefused(Reply),
    /// There is none; says why.
    None(String),
}

impl Screenshot {
    /// The longest file that is read, in bytes. An uncompressed screen of 1280x720 has 2.8 million.
    pub const LIMIT: usize = 8 * 1024 * 1024;
}

pub(super) fn sort_out(status: u16, kind: Option<&str>, body: Vec<u8>) -> Screenshot {
    if body.len() > Screenshot::LIMIT {
        let limit = Screenshot::LIMIT;
        return Screenshot::None(format!("its screenshot is longer than {limit} bytes"));
    }
    // Not every phone names the type of its picture, so the first bytes count too.
    let is_image = kind.is_some_and(|kind| kind.trim_start().to_lowercase().starts_with("image/"));
    let looks_so = body.starts_with(b"\x89PNG") || body.starts_with(b"BM");
    if status == 200 && (is_image || looks_so) && !body.is_empty() {
        return Screenshot::File(body);
    }
    match Reply::read(status, kind, &body) {
        reply @ Reply::AuthenticationRefused { .. } => Screenshot::AuthRefused(reply),
        reply @ (Reply::Success { .. }
        | Reply::ItemRefused { .. }
        | Reply::Refused { .. }
        | Reply::ErrorResponse { .. }
        | Reply::Empty
        | Reply::HttpStatus { .. }
        | Reply::Unreadable { .. }) => Screenshot::None(format!("it sent no screenshot: {reply}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_picture_is_a_screenshot() {
        let png = b"\x89PNG...".to_vec();
        assert_eq!(sort_out(200, Some("image/png"), png.clone()), Screenshot::File(png.clone()));
        assert_eq!(sort_out(200, None, png.clone()), Screenshot::File(png.clone()));
        assert!(matches!(sort_out(200, None, b"BM...".to_vec()), Screenshot::File(_)));
        let refusal = b"<CiscoIPPhoneError Number=\"4\" />".to_vec();
        assert!(matches!(
            sort_out(200, Some("text/xml"), refusal),
            Screenshot::AuthRefused(Reply::AuthenticationRefused { .. })
        ));
        assert!(matches!(sort_out(401, None, Vec::new()), Screenshot::AuthRefused(_)));
        for (status, body) in
            [(404, png), (200, b"<html>".to_vec()), (302, Vec::new()), (200, Vec::new())]
        {
            assert!(matches!(sort_out(status, None, body), Screenshot::None(_)), "{status}");
        }
        let endless = vec![0; Screenshot::LIMIT + 1];
        assert!(matches!(sort_out(200, Some("image/bmp"), endless), Screenshot::None(_)));
    }
}
