//! Secrets that come in: by standard input, never by a flag, which everybody could see.

use std::io::{self, BufRead, IsTerminal, Read};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure};
use crate::screen::Screen;

/// Characters that a secret's line may have.
const LINE_LENGTH_MAX: u64 = 4_096;

/// Whether somebody sits at standard input.
pub(crate) fn is_typed() -> bool {
    io::stdin().is_terminal()
}

/// The first line of standard input, without its end; at a terminal it is asked for and not shown.
///
/// # Errors
/// There is none, or it cannot be read.
pub(crate) fn read(screen: Screen, what: &str) -> Result<Zeroizing<String>, Failure> {
    let line = if is_typed() {
        ask(screen, what)?
    } else {
        first_line()?
    };
    if line.is_empty() {
        let message = format!("standard input has no {what}");
        let hint = format!("send the {what} as the first line of standard input");
        return Err(Failure::new(Exit::Usage, message).hint(hint));
    }
    Ok(line)
}

/// The first line of standard input when it is no terminal; none when it is empty.
///
/// # Errors
/// It cannot be read.
pub(crate) fn read_piped() -> Result<Option<Zeroizing<String>>, Failure> {
    if is_typed() {
        return Ok(None);
    }
    first_line().map(|line| Some(line).filter(|line| !line.is_empty()))
}

fn first_line() -> Result<Zeroizing<String>, Failure> {
    let mut line = Zeroizing::new(String::new());
    let read = io::stdin()
        .lock()
        .take(LINE_LENGTH_MAX)
        .read_line(&mut line);
    read.map_err(|error| Failure::new(Exit::Failed, format!("standard input: {error}")))?;
    let length = line.trim_end_matches(['\n', '\r']).len();
    line.truncate(length);
    Ok(line)
}

fn ask(screen: Screen, what: &str) -> Result<Zeroizing<String>, Failure> {
    screen.note(&format!("{what}, which is not shown, and Enter:"));
    let stdin = io::stdin();
    let before = tcgetattr(&stdin).ok();
    if let Some(before) = &before {
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        // A terminal that goes on showing what is typed still gives it to us.
        let _ = tcsetattr(&stdin, OptionalActions::Now, &silent);
    }
    let line = first_line();
    if let Some(before) = &before {
        let _ = tcsetattr(&stdin, OptionalActions::Now, before);
    }
    line
}
