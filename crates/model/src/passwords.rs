//! Rules for passwords (NIST SP 800-63B-4): long, not common, no composition rules.

/// The shortest password, in characters.
pub const PASSWORD_LENGTH_MIN: usize = 12;
/// The longest password, in characters.
pub const PASSWORD_LENGTH_MAX: usize = 256;

/// What people choose first when they need twelve characters or more, in lower case.
const COMMON: &[&str] = &[
    "123456789012",
    "1234567890123",
    "12345678901234",
    "123456123456",
    "123123123123",
    "000000000000",
    "111111111111",
    "987654321098",
    "0987654321098",
    "password1234",
    "password12345",
    "password123456",
    "passwordpassword",
    "passw0rdpassw0rd",
    "password2024",
    "password2025",
    "password2026",
    "passwort1234",
    "motdepasse123",
    "contraseña123",
    "qwertyuiop12",
    "qwertyuiop123",
    "qwertyuiopas",
    "qwertyuiop[]",
    "qwertyqwerty",
    "1qaz2wsx3edc",
    "1q2w3e4r5t6y",
    "q1w2e3r4t5y6",
    "asdfghjkl123",
    "zxcvbnm12345",
    "iloveyou1234",
    "iloveyouforever",
    "letmeinplease",
    "letmein12345",
    "welcome12345",
    "welcome123456",
    "administrator",
    "administrator1",
    "admin1234567",
    "adminadminadmin",
    "changeme1234",
    "changemechangeme",
    "correcthorsebatterystaple",
    "trustno1trustno1",
    "abcdefghijkl",
    "abcdefghijklm",
    "abcdefghijklmnopqrstuvwxyz",
    "abcabcabcabc",
    "sunshine1234",
    "princess1234",
    "football1234",
    "baseball1234",
    "superman1234",
    "dragondragon",
    "monkeymonkey",
    "secretsecret",
    "defaultpassword",
    "temporarypassword",
    "testtesttest",
    "test12345678",
    "testpassword",
    "claviger1234",
    "clavigerclaviger",
];

/// Why a new password is not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WeakPassword {
    /// Too short.
    #[error("must have at least {PASSWORD_LENGTH_MIN} characters")]
    TooShort,
    /// Too long.
    #[error("must have at most {PASSWORD_LENGTH_MAX} characters")]
    TooLong,
    /// Known to everybody who guesses.
    #[error("is one of the first that anybody would guess: choose another")]
    Common,
    /// The user's own address.
    #[error("must not be the e-mail address")]
    IsAddress,
}

/// Checks a new password of the user with this address. Sign-in never asks this: a password that
/// was accepted once goes on being accepted.
pub fn check(password: &str, email: &str) -> Result<(), WeakPassword> {
    let length = password.chars().count();
    if length < PASSWORD_LENGTH_MIN {
        return Err(WeakPassword::TooShort);
    }
    if length > PASSWORD_LENGTH_MAX {
        return Err(WeakPassword::TooLong);
    }
    let lower = password.to_lowercase();
    if lower == email {
        return Err(WeakPassword::IsAddress);
    }
    let mut characters = lower.chars();
    let first = characters.next();
    let repeats_one = characters.all(|c| Some(c) == first);
    if repeats_one || COMMON.contains(&lower.as_str()) {
        return Err(WeakPassword::Common);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_uncommon_passes_without_composition_rules() {
        assert_eq!(check("all lower case words", "ana@acme.test"), Ok(()));
        assert_eq!(check("short", "ana@acme.test"), Err(WeakPassword::TooShort));
        assert_eq!(
            check(&"x1".repeat(129), "ana@acme.test"),
            Err(WeakPassword::TooLong)
        );
        assert_eq!(
            check("Password1234", "ana@acme.test"),
            Err(WeakPassword::Common)
        );
        assert_eq!(
            check("zzzzzzzzzzzzzz", "ana@acme.test"),
            Err(WeakPassword::Common)
        );
        assert_eq!(
            check("ana.long@acme.test", "ana.long@acme.test"),
            Err(WeakPassword::IsAddress)
        );
    }
}
