//! What a user has chosen of a rollout, before a cluster is asked.

use std::sync::Arc;

use crate::console::settings::RolloutCommand;
use crate::domain::model::{ImageSpec, Model, PushSchema, Size};
use crate::domain::text::printable;
use crate::error::{AppError, ErrorKind};
use crate::media::{Compression, Fit, Options, PreparedImage, Shape, blocking, prepare_all};
use crate::rollout::payload::source_image::SourceImage;

/// A rollout that is being made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    /// The fields of its form, as they were sent.
    pub(crate) fields: Vec<(String, String)>,
    /// The uploaded picture; nothing where the rules of the config file choose.
    pub(crate) picture: Option<Upload>,
    pub(crate) panels: Option<Arc<Panels>>,
}

/// A picture that a browser sent.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) name: String,
    pub(crate) image: Arc<SourceImage>,
    /// The picture as pages show it.
    pub(crate) shown: Arc<PreparedImage>,
}

/// The picture on the panels of the chosen phones.
#[derive(Debug)]
pub(crate) struct Panels {
    options: Options,
    pub(crate) all: Vec<Panel>,
}

#[derive(Debug)]
pub(crate) struct Panel {
    pub(crate) image: Arc<PreparedImage>,
    /// Identifies what it shows.
    pub(crate) digest: String,
    /// The short names of the models that have it.
    pub(crate) models: String,
}

/// How the values of a field become an option of the command line. The names are the same.
enum Kind {
    /// Each value, and each line of it, is an option.
    Values,
    Value,
    Flag,
}

const OPTIONS: [(&str, Kind); 36] = [
    ("cluster", Kind::Values),
    ("device-pool", Kind::Values),
    ("model", Kind::Values),
    ("profile", Kind::Values),
    ("location", Kind::Values),
    ("owner", Kind::Values),
    ("dn", Kind::Values),
    ("description", Kind::Values),
    ("device", Kind::Values),
    ("subnet", Kind::Values),
    ("exclude-device", Kind::Values),
    ("exclude-model", Kind::Values),
    ("exclude-device-pool", Kind::Values),
    ("limit", Kind::Value),
    ("sample", Kind::Value),
    ("repair", Kind::Values),
    ("reset", Kind::Flag),
    ("fit", Kind::Value),
    ("background", Kind::Value),
    ("legible", Kind::Flag),
    ("text", Kind::Value),
    ("qr", Kind::Value),
    ("text-position", Kind::Value),
    ("text-size", Kind::Value),
    ("text-colour", Kind::Value),
    ("verify", Kind::Value),
    ("picture-name", Kind::Value),
    ("canary", Kind::Value),
    ("waves", Kind::Value),
    ("gate", Kind::Flag),
    ("soak", Kind::Value),
    ("max-failures", Kind::Value),
    ("window", Kind::Value),
    ("start", Kind::Value),
    ("until", Kind::Value),
    ("wait-for-offline", Kind::Value),
];

impl Upload {
    /// Decodes a picture in a process of its own; `name` is what the browser called its file.
    ///
    /// # Errors
    /// When it is not a picture.
    pub(crate) async fn read(name: &str, bytes: Vec<u8>) -> Result<Self, AppError> {
        let name = file_name(name);
        let image = SourceImage::of(name.as_ref(), bytes).await?;
        let (size, picture) = (image.picture.size(), Arc::clone(&image.picture));
        // Proportions stay as they are, so nothing is distorted.
        let spec = panel(within(size, SHOWN));
        let options = Options { fit: Fit::Stretch, ..Options::default() };
        let shown = blocking(move || prepare_all(&picture, [&spec], &options, Compression::Quick));
        let shown = shown.await.map_err(failed)?.iter().next().map(Arc::clone);
        let shown =
            shown.ok_or_else(|| AppError::new(ErrorKind::Failed, "the picture has no pixels"))?;
        Ok(Self { name, image: Arc::new(image), shown })
    }
}

impl Draft {
    /// Returns the command of the command line that does the same.
    pub(crate) fn command(&self) -> RolloutCommand {
        let mut options = vec!["rollout".to_owned()];
        for (name, kind) in &OPTIONS {
            let values = self.values(name);
            match kind {
                Kind::Values => options.extend(values.map(|value| format!("--{name}={value}"))),
                Kind::Value => {
                    options.extend(values.last().map(|value| format!("--{name}={value}")));
                }
                Kind::Flag => options.extend(values.last().map(|_| format!("--{name}"))),
            }
        }
        options.extend(self.focus().map(|focus| format!("--focus={focus}")));
        let picture = self.picture.as_ref();
        let picture =
            picture.map(|picture| (picture.name.clone(), SourceImage::clone(&picture.image)));
        RolloutCommand { options, picture, earlier: None }
    }

    /// Returns the values of a field; each of its lines is one.
    pub(crate) fn values<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a str> {
        let of = self.fields.iter().filter(move |(known, _)| known == name);
        let lines = of.flat_map(|(_, value)| value.lines());
        lines.map(str::trim).filter(|line| !line.is_empty())
    }

    /// Returns the last value of a field; empty where it has none.
    pub(crate) fn value<'a>(&'a self, name: &'a str) -> &'a str {
        self.values(name).next_back().unwrap_or_default()
    }

    pub(crate) fn has(&self, name: &str, value: &str) -> bool {
        self.values(name).any(|known| known == value)
    }

    /// Returns the values of a field, a line each.
    pub(crate) fn lines(&self, name: &str) -> String {
        self.values(name).collect::<Vec<_>>().join("\n")
    }

    /// Returns a part of the focus point, in percent; the middle where it has none.
    pub(crate) fn percent(&self, name: &str) -> f32 {
        let typed = self.value(name).parse().ok().filter(|percent| (0.0..=100.0).contains(percent));
        typed.unwrap_or(50.0)
    }

    /// Tells whether phones are left out.
    pub(crate) fn excludes(&self) -> bool {
        self.fields
            .iter()
            .any(|(name, value)| name.starts_with("exclude-") && !value.trim().is_empty())
    }

    /// Only a picture that is cut off has a focus.
    fn focus(&self) -> Option<String> {
        if !["", "cover"].contains(&self.value("fit")) {
            return None;
        }
        match self.value("focus") {
            "auto" => Some("auto".to_owned()),
            "point" => Some(format!("{},{}", self.percent("focus-x"), self.percent("focus-y"))),
            _ => None,
        }
    }

    /// Renders the picture for the panels of these models, where that was not done.
    ///
    /// # Errors
    /// When a panel cannot be rendered.
    pub(crate) async fn render(
        &mut self,
        options: Options,
        models: Vec<&'static Model>,
    ) -> Result<(), AppError> {
        let Some(upload) = &self.picture else { return Ok(()) };
        let specs: Vec<ImageSpec> = models.iter().filter_map(|model| model.image).collect();
        let mut shapes: Vec<Shape> = specs.iter().map(Shape::from).collect();
        shapes.sort_unstable();
        shapes.dedup();
        let has = |panels: &Arc<Panels>| {
            panels.options == options
                && panels.all.iter().map(|panel| panel.image.shape).eq(shapes.iter().copied())
        };
        if self.panels.as_ref().is_some_and(has) {
            return Ok(());
        }
        let picture = Arc::clone(&upload.image.picture);
        let set = blocking(move || prepare_all(&picture, &specs, &options, Compression::Quick));
        let set = set.await.map_err(failed)?;
        let all = set.iter().map(|image| Panel {
            digest: image.digest(),
            image: Arc::clone(image),
            models: short_names(&models, image.shape),
        });
        self.panels = Some(Arc::new(Panels { options, all: all.collect() }));
        Ok(())
    }
}

fn short_names(models: &[&'static Model], shape: Shape) -> String {
    let has =
        |model: &&&'static Model| model.image.is_some_and(|image| Shape::from(&image) == shape);
    let short = |model: &&'static Model| model.name.strip_prefix("Cisco ").unwrap_or(model.name);
    models.iter().filter(has).map(short).collect::<Vec<_>>().join(", ")
}

/// Returns the name of a file without its folders and without characters that control a terminal.
fn file_name(sent: &str) -> String {
    let name = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = printable(name).trim().chars().take(LONGEST_NAME).collect::<String>();
    if name.is_empty() || name.chars().all(|c| c == '.') { "picture".to_owned() } else { name }
}

/// Returns a size with the same proportions, and no side longer than `longest`.
fn within(size: Size, longest: u32) -> Size {
    let most = size.width.max(size.height).max(1);
    let side = |side: u32| {
        let scaled = u64::from(side) * u64::from(longest.min(most)) / u64::from(most);
        u32::try_from(scaled).unwrap_or(longest).max(1)
    };
    Size::new(side(size.width), side(size.height))
}

fn panel(background: Size) -> ImageSpec {
    let (thumbnail, schema) = (Size::new(1, 1), PushSchema::Classic);
    ImageSpec { background, thumbnail, depth: 24, tftp_directory: "", schema }
}

fn failed(error: crate::media::MediaError) -> AppError {
    AppError::from_error(ErrorKind::Failed, error)
}

/// The longest side of the picture as pages show it, in pixels.
const SHOWN: u32 = 960;

const LONGEST_NAME: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_become_options_and_never_other_options() {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let draft = Draft {
            fields: vec![
                field("device-pool", "A, B"),
                field("device-pool", "C*\r\n\r\n --force \n"),
                field("limit", ""),
                field("limit", "7"),
                field("gate", "on"),
                field("password-file", "/etc/shadow"),
                field("devices-from", "/etc/passwd"),
                field("focus", "point"),
                field("focus-x", "10"),
                field("focus-y", "90"),
            ],
            ..Draft::default()
        };
        assert_eq!(
            draft.command().options,
            [
                "rollout",
                "--device-pool=A, B",
                "--device-pool=C*",
                "--device-pool=--force",
                "--limit=7",
                "--gate",
                "--focus=10,90"
            ]
        );
    }

    #[test]
    fn a_picture_that_is_seen_whole_has_no_focus() {
        let fields = [("fit", "contain"), ("focus", "point"), ("focus-x", "1"), ("focus-y", "1")];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let draft = Draft { fields, ..Draft::default() };
        assert_eq!(draft.command().options, ["rollout", "--fit=contain"]);
    }

    #[test]
    fn a_file_name_is_only_a_name() {
        for (sent, name) in [
            ("spring.png", "spring.png"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\a\\b.png", "b.png"),
            ("--yes", "--yes"),
            ("..", "picture"),
            ("", "picture"),
            ("a\u{202e}\u{1b}[31m.png", &*printable("a\u{202e}\u{1b}[31m.png")),
        ] {
            assert_eq!(file_name(sent), name);
        }
        assert_eq!(file_name(&"x".repeat(5_000)).len(), LONGEST_NAME);
    }

    #[test]
    fn a_picture_keeps_its_proportions() {
        assert_eq!(within(Size::new(4_000, 2_000), 960), Size::new(960, 480));
        assert_eq!(within(Size::new(100, 50), 960), Size::new(100, 50));
        assert_eq!(within(Size::new(1, 10_000), 960), Size::new(1, 960));
    }
}
