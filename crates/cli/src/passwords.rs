//! Passwords that the program makes up for people.

use claviger_service::sources::Sources;
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure};

/// No letter looks like another one.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
const GROUPS: usize = 4;
const GROUP_LENGTH: usize = 6;

/// A password of 120 random bits, in groups that can be read out.
///
/// # Errors
/// The system has no random bytes.
pub(crate) fn generate(sources: &Sources) -> Result<Zeroizing<String>, Failure> {
    let random = sources
        .key()
        .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    let mut password = Zeroizing::new(String::with_capacity(GROUPS * (GROUP_LENGTH + 1)));
    for (position, byte) in random.iter().take(GROUPS * GROUP_LENGTH).enumerate() {
        if position > 0 && position % GROUP_LENGTH == 0 {
            password.push('-');
        }
        password.push(char::from(LETTERS[usize::from(byte & 31)]));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_four_groups_and_is_new_each_time() {
        let sources = Sources::system().unwrap();
        let password = generate(&sources).unwrap();
        assert_eq!(
            password.split('-').map(str::len).collect::<Vec<_>>(),
            [6, 6, 6, 6]
        );
        assert_ne!(*password, *generate(&sources).unwrap());
        assert!(claviger_model::passwords::check(&password, "admin@acme.test").is_ok());
    }
}
