//! Draws the words of phones on their pictures, when they are pushed to.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::sync::Semaphore;

use crate::domain::device_name::DeviceName;
use crate::domain::text::{names, pluralize};
use crate::event::{Event, Observer};
use crate::media::{
    Compression, Made, PreparedImage, WordsCanvas, WordsError, WordsNote, blocking,
};
use crate::push::{ReplyKind, Target};

/// The pictures that words are drawn on, and what could not be drawn as it was wanted.
pub(crate) struct WordsDrawing {
    canvases: Mutex<HashMap<Made, Arc<WordsCanvas>>>,
    notes: Mutex<BTreeMap<WordsNote, Vec<DeviceName>>>,
    /// As many pictures are drawn at once as there are processors.
    processors: Semaphore,
    observer: Option<Arc<dyn Observer>>,
}

impl std::fmt::Debug for WordsDrawing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WordsDrawing")
    }
}

impl Default for WordsDrawing {
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            canvases: Mutex::default(),
            notes: Mutex::default(),
            processors: Semaphore::new(processors),
            observer: None,
        }
    }
}

impl WordsDrawing {
    /// Sets where [`Self::report`] goes.
    pub(crate) fn observed(&mut self, observer: Arc<dyn Observer>) {
        self.observer = Some(observer);
    }

    /// Draws the words of a phone on a prepared picture; nothing where it has none. Returns as an error why nothing may be
    /// pushed.
    pub(crate) async fn draw(
        &self,
        target: &Target,
        base: &Arc<PreparedImage>,
    ) -> Result<Option<PreparedImage>, ReplyKind> {
        let Some(words) = target.words.clone() else { return Ok(None) };
        let not_sent = |error: WordsError| ReplyKind::NotSent(error.to_string());
        let _processor = self.processors.acquire().await;
        let canvas = self.canvas(target, base).await.map_err(not_sent)?;
        let drawn = blocking(move || canvas.draw(&words, Compression::OnDemand)).await;
        let (image, notes) = drawn.map_err(not_sent)?;
        let mut noted = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        for note in notes {
            let phones = noted.entry(note).or_default();
            if !phones.contains(&target.name) {
                phones.push(target.name.clone());
            }
        }
        drop(noted);
        Ok(Some(image))
    }

    async fn canvas(
        &self,
        target: &Target,
        base: &Arc<PreparedImage>,
    ) -> Result<Arc<WordsCanvas>, WordsError> {
        let made = (target.picture.clone(), base.shape);
        let canvases = || self.canvases.lock().unwrap_or_else(PoisonError::into_inner);
        let known = canvases().get(&made).cloned();
        if let Some(canvas) = known {
            return Ok(canvas);
        }
        let base = Arc::clone(base);
        let canvas = Arc::new(blocking(move || WordsCanvas::new(base)).await?);
        canvases().insert(made, Arc::clone(&canvas));
        Ok(canvas)
    }

    /// Reports what could not be drawn as it was wanted, one line for each reason.
    pub(crate) fn report(&self) {
        let Some(observer) = &self.observer else { return };
        let notes = std::mem::take(&mut *self.notes.lock().unwrap_or_else(PoisonError::into_inner));
        for (note, mut phones) in notes {
            phones.sort_unstable();
            let line = format!(
                "words on the pictures of {}: {note}: {}",
                pluralize(phones.len(), "phone"),
                names(&phones)
            );
            observer.observe(&Event::Remark(line));
        }
    }
}
