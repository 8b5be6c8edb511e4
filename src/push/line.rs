//! The real way to a phone: who lives there, the push, and the downloads.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::meeting::{Meeting, unreachable};
use super::pins::Pins;
use super::{Answer, Fetched, Line, Target};
use crate::domain::device_name::DeviceName;
use crate::event::PhoneError;
use crate::host::{ImageHost, PublishedUrls};
use crate::media::PreparedSet;
use crate::phone::{
    Https, Outcome, PhoneAnswer, PhoneClient, PhoneError as SendError, Reply, SetBackground, Theme,
};

/// Pushes over HTTP or HTTPS and lets phones download from our own image server.
#[derive(Debug)]
pub struct PhoneLine {
    phones: Meeting,
    host: ImageHost,
    pictures: PreparedSet,
    picture_name: String,
    verify_timeout: Duration,
    published: Mutex<HashMap<DeviceName, PublishedUrls>>,
}

impl PhoneLine {
    /// Puts a line together; `verify_timeout` is how long downloads are waited for after an acceptance.
    pub fn new(
        phones: PhoneClient,
        host: ImageHost,
        pictures: PreparedSet,
        picture_name: String,
        verify_timeout: Duration,
    ) -> Self {
        let (phones, published) = (Meeting::new(phones), Mutex::default());
        Self { phones, host, pictures, picture_name, verify_timeout, published }
    }

    /// Pushes over HTTPS to phones that want it.
    #[must_use]
    pub fn with_https(mut self, https: Https, pins: Pins) -> Self {
        self.phones = self.phones.with_https(https, pins);
        self
    }

    /// Pushes also to what does not say who it is. A device that says it is another one is still left
    /// alone.
    #[must_use]
    pub fn without_identity_check(mut self) -> Self {
        self.phones = self.phones.without_identity_check();
        self
    }

    /// Makes sure that what would be sent to these targets is not too long for phones.
    ///
    /// # Errors
    /// Says which part is too long, before anything has been sent or changed.
    pub fn check(&self, targets: &[Target]) -> Result<(), SendError> {
        for target in targets {
            let Ok((urls, theme)) = self.urls(target) else { continue };
            self.object(target, urls, theme).to_xml()?;
        }
        Ok(())
    }

    /// Returns the URL that phones are told.
    pub fn base_url(&self) -> &str {
        self.host.base().as_str()
    }

    fn object(&self, target: &Target, urls: PublishedUrls, theme: Theme) -> SetBackground {
        SetBackground {
            schema: target.image.schema,
            image_url: urls.image_url,
            thumbnail_url: urls.thumbnail_url,
            name: self.picture_name.clone(),
            theme,
        }
    }

    /// Stops the image server once its transfers have ended.
    pub async fn shutdown(self) {
        self.host.shutdown(GRACE).await;
    }

    /// Returns the phone's own paths: the same ones for every attempt, so that a late download counts.
    fn urls(&self, target: &Target) -> Result<(PublishedUrls, Theme), String> {
        let prepared = self.pictures.get(&target.image);
        let prepared =
            prepared.ok_or_else(|| format!("no picture was prepared for {}", target.model))?;
        let theme = Theme::of_brightness(prepared.brightness);
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(urls) = published.get(&target.name) {
            return Ok((urls.clone(), theme));
        }
        let (schema, name) = (target.image.schema, &self.picture_name);
        let urls = self
            .host
            .publish(&target.name, prepared.clone(), schema, name)
            .map_err(|error| error.to_string())?;
        published.insert(target.name.clone(), urls.clone());
        drop(published);
        Ok((urls, theme))
    }
}

impl Line for PhoneLine {
    async fn push(&self, target: &Target) -> Answer {
        let phone = match self.phones.meet(target).await {
            Ok(phone) => phone,
            Err(answer) => return answer,
        };
        let (urls, theme) = match self.urls(target) {
            Ok(found) => found,
            Err(why) => return Answer::NotSent(why),
        };
        let token = urls.token.clone();
        let object = self.object(target, urls, theme);
        let mut answer = phone.push(target.ip, &object).await;
        // Only now it says that it wants HTTPS.
        if matches!(&answer, Ok(answer) if answer.moved_to_https && !phone.is_https()) {
            answer = match self.phones.moved(target).await {
                Ok(phone) => phone.push(target.ip, &object).await,
                Err(answer) => return answer,
            };
        }
        match answer {
            Ok(answer) => {
                with_downloads(judge(answer, target), self.host.fetched(&token).complete())
            }
            Err(error) => Answer::NotSent(error.to_string()),
        }
    }

    async fn downloads(&self, target: &Target) -> Fetched {
        let token = {
            let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
            published.remove(&target.name).map(|urls| urls.token)
        };
        let Some(token) = token else { return Fetched::default() };
        let seen = self.host.wait_complete(&token, self.verify_timeout).await;
        self.host.retire(&token);
        Fetched { image: seen.image, thumbnail: seen.thumbnail }
    }
}

/// Tells that a phone which gave no usable answer has got its pictures nevertheless.
fn with_downloads(answer: Answer, complete: bool) -> Answer {
    const SEEN: &str = "; it has downloaded both pictures all the same";
    match answer {
        Answer::Unreachable(why) if complete => Answer::Unreachable(why + SEEN),
        Answer::Unreadable(mut error) if complete => {
            error.text += SEEN;
            Answer::Unreadable(error)
        }
        Answer::Accepted
        | Answer::AuthRefused(_)
        | Answer::Refused(_)
        | Answer::Unreachable(_)
        | Answer::Unreadable(_)
        | Answer::WrongDevice(_)
        | Answer::NotSent(_)
        | Answer::Barred { .. } => answer,
    }
}

fn judge(answer: PhoneAnswer, target: &Target) -> Answer {
    let reply = match answer.outcome {
        Outcome::Unreachable(why) => return unreachable(&why, target),
        Outcome::Answered(reply) => reply,
    };
    let said = |number| PhoneError { number, text: reply.to_string(), raw: answer.raw.clone() };
    match &reply {
        Reply::Success { .. } => Answer::Accepted,
        Reply::AuthenticationRefused { .. } => {
            Answer::AuthRefused(said((answer.http_status != Some(401)).then_some(4)))
        }
        Reply::ItemRefused { status, .. } => Answer::Refused(said(*status)),
        Reply::Refused { number, .. } => Answer::Refused(said(*number)),
        Reply::ErrorResponse { .. } => Answer::Refused(said(None)),
        // A busy phone answers 5xx and may be well later; 404 and the like stay as they are.
        Reply::HttpStatus { status: 500.., .. } | Reply::Empty | Reply::Unreadable { .. } => {
            Answer::Unreadable(said(None))
        }
        Reply::HttpStatus { .. } => Answer::Refused(said(None)),
    }
}

/// How long transfers that nobody waits for any more may still take at the end.
const GRACE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, body: &str) -> Answer {
        let reply = Reply::read(status, None, body.as_bytes());
        let answer = PhoneAnswer {
            http_status: Some(status),
            moved_to_https: false,
            outcome: Outcome::Answered(reply),
            raw: body.to_owned(),
            took: Duration::ZERO,
        };
        judge(answer, &crate::push::engine::tests::target(1))
    }

    #[test]
    fn http_200_alone_is_no_acceptance() {
        assert!(matches!(
            answered(
                200,
                r#"<CiscoIPPhoneResponse><ResponseItem Status="0" Data="Success" URL=""/></CiscoIPPhoneResponse>"#
            ),
            Answer::Accepted
        ));
        assert!(
            matches!(answered(200, r#"<CiscoIPPhoneError Number="3" />"#), Answer::Refused(e) if e.number == Some(3))
        );
        assert!(matches!(
            answered(200, r#"<CiscoIPPhoneError Number="4" />"#),
            Answer::AuthRefused(_)
        ));
        assert!(matches!(answered(401, ""), Answer::AuthRefused(_)));
        assert!(matches!(answered(200, ""), Answer::Unreadable(_)));
        assert!(matches!(answered(200, "<html>ok</html>"), Answer::Unreadable(_)));
        assert!(matches!(answered(503, "busy"), Answer::Unreadable(_)));
        assert!(matches!(answered(404, "gone"), Answer::Refused(_)));
    }
}
