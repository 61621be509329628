//! Lines of the journal of revocations: what they are made of, so that nobody without the master
//! key can write or read one.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use zeroize::Zeroizing;

use crate::keyring::Keyring;

/// The line for a text, without its end; none when it cannot be encrypted, which does not happen.
///
/// Its key is derived from the text's own hash, so that two texts never share a key and the nonce
/// need not be random. Whoever reads the line sees the hash, and nothing of the text.
pub fn line(keyring: &Keyring, text: &[u8]) -> Option<String> {
    let hash = digest(&SHA256, text);
    let sealed = keyring
        .encrypt(&context(hash.as_ref()), [0; 12], text)
        .ok()?;
    let (hash, sealed) = (
        STANDARD_NO_PAD.encode(hash.as_ref()),
        STANDARD_NO_PAD.encode(sealed),
    );
    Some(format!("{hash} {sealed}"))
}

/// The text of a line that [`line`] made with this keyring.
pub fn open(keyring: &Keyring, line: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (hash, sealed) = line.split_once(' ')?;
    let hash = STANDARD_NO_PAD.decode(hash).ok()?;
    let sealed = STANDARD_NO_PAD.decode(sealed).ok()?;
    keyring.decrypt(&context(&hash), &sealed).ok()
}

fn context(hash: &[u8]) -> Vec<u8> {
    [b"claviger journal of revocations ", hash].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::master_key_line;

    fn ring(fill: u8) -> Keyring {
        Keyring::parse(&master_key_line(1, &[fill; 32])).expect("a line")
    }

    #[test]
    fn a_line_opens_as_it_was_and_not_otherwise() {
        let made = line(&ring(7), b"key_1 revoked").expect("a line");
        assert_eq!(
            open(&ring(7), &made).expect("opens").as_slice(),
            b"key_1 revoked"
        );
        assert_eq!(open(&ring(8), &made), None);
        let other = line(&ring(7), b"key_2 revoked").expect("a line");
        let (hash, _) = made.split_once(' ').expect("two words");
        let (_, sealed) = other.split_once(' ').expect("two words");
        assert_eq!(open(&ring(7), &format!("{hash} {sealed}")), None);
        assert_eq!(open(&ring(7), &made[..made.len() - 2]), None);
    }
}
