//! Decodes files of unknown origin in a child process that has limits on memory and time.
//!
//! A few bytes can cost gigabytes and hours: an SVG file by its filters and masks, a compressed picture by its size.
//! What pixels need is counted before they are decoded; for everything else the operating system holds the
//! limits. The child is the `axlpaper` program once more. It starts without the environment, where passwords may be,
//! reads the file from a pipe, and writes pixels or samples to another one.

mod limits;
mod message;
mod worker;

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;

use super::picture::Decoded;
use super::{Audio, MediaError, Picture, ToneError, svg};
use crate::domain::model::Size;
use message::{Answer, Kind};

pub use limits::Limit;
pub use worker::decode_worker;

/// Decodes pictures and sounds in a child process.
///
/// Its calls wait for the child, so they belong where blocking is allowed.
#[derive(Clone, Debug)]
pub struct Decoder {
    program: PathBuf,
}

impl Decoder {
    /// Uses this program as the child: `axlpaper`, or one that calls [`decode_worker`] before anything else.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into() }
    }

    /// Uses the program of this process as the child.
    pub fn this_program() -> Self {
        // On Linux the link leads to this program even when another release has replaced its file meanwhile. Where
        // the path is not known, starting the child fails, and the error reports it.
        let link = Path::new("/proc/self/exe");
        let program = if cfg!(target_os = "linux") && link.exists() {
            link.to_owned()
        } else {
            std::env::current_exe().unwrap_or_default()
        };
        Self::new(program)
    }

    /// Decodes the bytes of a picture's file; `name` is what errors call it.
    pub fn picture(&self, name: &str, file: &[u8]) -> Result<Picture, MediaError> {
        let name = || name.to_owned();
        let (answer, payload) = self.ask(Kind::Picture, file).map_err(|failure| match failure {
            Failure::Exceeded(limit) => {
                MediaError::Exceeded { name: name(), limit, vector: svg::is_svg(file) }
            }
            Failure::Broken(source) => {
                MediaError::Decoder { name: name(), program: self.program.clone(), source }
            }
        })?;
        let picture = match answer {
            Answer::Picture { width, height, alpha, orientation, remarks } => {
                let kind = (Size::new(width, height), alpha);
                Decoded::from_parts(kind, orientation, payload, remarks)
            }
            Answer::NoPicture(why) => {
                return Err(MediaError::Undecodable { name: name(), why });
            }
            Answer::Sound { .. } | Answer::NoSound(_) => None,
        };
        let picture = picture.ok_or_else(|| MediaError::Decoder {
            name: name(),
            program: self.program.clone(),
            source: message::wrong("the answer is about something else"),
        })?;
        let undecodable = |why| MediaError::Undecodable { name: name(), why };
        picture.into_picture().map_err(undecodable)
    }

    /// Decodes the bytes of a sound's file; `name` is what errors call it.
    pub fn sound(&self, name: &str, file: &[u8]) -> Result<Audio, ToneError> {
        let name = || name.to_owned();
        let (answer, payload) = self.ask(Kind::Sound, file).map_err(|failure| match failure {
            Failure::Exceeded(limit) => ToneError::Exceeded { name: name(), limit },
            Failure::Broken(source) => {
                ToneError::Decoder { name: name(), program: self.program.clone(), source }
            }
        })?;
        let audio = match answer {
            Answer::Sound { rate, more } => message::samples(&payload)
                .and_then(|samples| Audio::from_parts(samples, rate, more)),
            Answer::NoSound(why) => return Err(ToneError::Undecodable { name: name(), why }),
            Answer::Picture { .. } | Answer::NoPicture(_) => None,
        };
        audio.map(|audio| audio.named(&name())).ok_or_else(|| ToneError::Decoder {
            name: name(),
            program: self.program.clone(),
            source: message::wrong("the answer is about something else"),
        })
    }

    /// Starts the child, hands it the file, and waits for its answer.
    fn ask(&self, kind: Kind, file: &[u8]) -> Result<(Answer, Vec<u8>), Failure> {
        let mut child = self.command(kind).spawn().map_err(Failure::Broken)?;
        let answer = exchange(&mut child, file);
        // After its answer there is nothing left for it to do; one that has ended already is no trouble.
        let _ignored = child.kill();
        let status = child.wait().map_err(Failure::Broken)?;
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(why_silent(status, error)),
            Err(mpsc::RecvTimeoutError::Timeout | mpsc::RecvTimeoutError::Disconnected) => {
                Err(Failure::Exceeded(Limit::Time))
            }
        }
    }

    fn command(&self, kind: Kind) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args([OsStr::new(worker::ARGUMENT), OsStr::new(kind.word())])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        // Without it, Windows programs find no system libraries.
        command.envs(std::env::var_os("SystemRoot").map(|root| ("SystemRoot", root)));
        #[cfg(unix)]
        std::os::unix::process::CommandExt::arg0(&mut command, "axlpaper");
        command
    }
}

#[derive(Debug)]
enum Failure {
    Exceeded(Limit),
    /// The child did not start, or did not work as it should.
    Broken(io::Error),
}

type Received = Result<io::Result<(Answer, Vec<u8>)>, mpsc::RecvTimeoutError>;

/// Writes the file and reads the answer at the same time, and kills the child when the time is over.
fn exchange(child: &mut Child, file: &[u8]) -> Received {
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    thread::scope(|scope| {
        scope.spawn(move || hand_over(stdin, file));
        let (sender, receiver) = mpsc::channel();
        scope.spawn(move || {
            let answer = match stdout {
                Some(mut stdout) => message::read(&mut stdout),
                None => Err(message::wrong("it has no standard output")),
            };
            // The receiver is gone when the time was over.
            let _ignored = sender.send(answer);
        });
        let received = receiver.recv_timeout(limits::TIME);
        // Both threads end with the child, which closes their pipes.
        let _ignored = child.kill();
        received
    })
}

/// Writes the file. A child that ends early takes no more of it, and its answer or its status says why.
fn hand_over(stdin: Option<ChildStdin>, file: &[u8]) {
    if let Some(mut stdin) = stdin {
        let length = (file.len() as u64).to_le_bytes();
        let _ignored = stdin.write_all(&length).and_then(|()| stdin.write_all(file));
    }
}

/// Finds out why a child ended without an answer.
#[cfg(unix)]
fn why_silent(status: ExitStatus, error: io::Error) -> Failure {
    use rustix::process::Signal;
    use std::os::unix::process::ExitStatusExt as _;
    let Some(signal) = status.signal() else { return of_code(status, error) };
    if signal == Signal::XCPU.as_raw() {
        return Failure::Exceeded(Limit::Time);
    }
    // A failed allocation aborts; so does a stack that is full. The kernel kills what the machine has no memory for.
    let of_memory = [Signal::ABORT, Signal::SEGV, Signal::BUS, Signal::KILL];
    if of_memory.iter().any(|one| one.as_raw() == signal) {
        return Failure::Exceeded(Limit::Memory);
    }
    Failure::Broken(error)
}

/// Finds out why a child ended without an answer.
#[cfg(not(unix))]
fn why_silent(status: ExitStatus, error: io::Error) -> Failure {
    of_code(status, error)
}

fn of_code(status: ExitStatus, error: io::Error) -> Failure {
    match status.code() {
        // Windows reports an abort as a status of the kernel: 0xC0000409, and 0xC00000FD for a full stack.
        Some(code) if code < 0 => Failure::Exceeded(Limit::Memory),
        Some(0) | None => Failure::Broken(error),
        Some(code) => Failure::Broken(io::Error::other(format!("it ended with status {code}"))),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_does_not_decode_is_named() {
        for program in ["/nonexistent/axlpaper", "/bin/true", "/bin/false"] {
            let decoder = Decoder::new(program);
            let error = decoder.picture("a.png", b"x").unwrap_err();
            assert!(matches!(error, MediaError::Decoder { .. }), "{error:?}");
            let text = error.to_string();
            assert!(text.contains("a.png") && text.contains(program), "{text}");
            let error = decoder.sound("a.wav", &vec![0; 1 << 20]).unwrap_err();
            assert!(matches!(error, ToneError::Decoder { .. }), "{error:?}");
        }
    }
}
