//! What the configuration names files for: tokens, and the keys of others.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{Config, ConfigError, InternalToken, resolved};
use crate::leaks::github::{self, PublicKey};

/// Characters of the internal listener's token, at least.
const TOKEN_LENGTH_MIN: usize = 32;

impl Config {
    /// The token that the internal listener asks for; none when it asks for none.
    ///
    /// # Errors
    /// The file cannot be read, or holds no token of at least 32 characters.
    pub fn internal_token(&self) -> Result<Option<InternalToken>, ConfigError> {
        let file = self.file.internal.token_file.as_deref();
        self.token("internal.token_file", file)
            .map(|token| token.map(InternalToken))
    }

    /// The initial access token that apps need to register themselves; none when they need none.
    ///
    /// # Errors
    /// The file cannot be read, or holds no token of at least 32 characters.
    pub fn registration_token(&self) -> Result<Option<Zeroizing<String>>, ConfigError> {
        let file = self.file.oauth.registration_token_file.as_deref();
        self.token("oauth.registration_token_file", file)
    }

    /// The file with the initial access token, where there is one.
    pub fn registration_token_file(&self) -> Option<PathBuf> {
        let file = self.file.oauth.registration_token_file.as_deref();
        file.map(|file| resolved(&self.origin, file))
    }

    /// The file with the token of the internal listener, where there is one.
    pub fn internal_token_file(&self) -> Option<PathBuf> {
        let file = self.file.internal.token_file.as_deref();
        file.map(|file| resolved(&self.origin, file))
    }

    /// The password for the mail server; none where nobody signs in. It is read anew whenever
    /// letters are sent.
    ///
    /// # Errors
    /// The file cannot be read, or is empty.
    pub fn mail_password(&self) -> Result<Option<Zeroizing<String>>, ConfigError> {
        let Some(file) = self.mail_password_file() else {
            return Ok(None);
        };
        let name = "mail.smtp_password_file";
        let password = self.secret_file(name, &file)?;
        if password.trim().is_empty() {
            let sentence = "must hold the password, on one line".to_owned();
            return Err(ConfigError::of(&self.origin, name, sentence));
        }
        Ok(Some(password))
    }

    /// The file with that password, where somebody signs in.
    pub fn mail_password_file(&self) -> Option<PathBuf> {
        let mail = &self.file.mail;
        let file = mail.smtp_password_file.as_deref();
        let is_used = mail.transport == "smtp" && mail.smtp_user.is_some();
        file.filter(|_| is_used)
            .map(|file| resolved(&self.origin, file))
    }

    /// The keys of GitHub's alerts, where the operator keeps them.
    ///
    /// # Errors
    /// The file cannot be read, or holds no such keys.
    pub fn github_keys(&self) -> Result<Option<Vec<PublicKey>>, ConfigError> {
        let Some(file) = &self.file.leaks.github_keys_file else {
            return Ok(None);
        };
        let name = "leaks.github_keys_file";
        let text = self.secret_file(name, &resolved(&self.origin, file))?;
        let keys = github::read_keys(text.as_bytes());
        keys.map(Some)
            .map_err(|sentence| ConfigError::of(&self.origin, name, sentence))
    }

    fn token(
        &self,
        key: &str,
        file: Option<&Path>,
    ) -> Result<Option<Zeroizing<String>>, ConfigError> {
        let Some(file) = file else {
            return Ok(None);
        };
        let text = self.secret_file(key, &resolved(&self.origin, file))?;
        let token = text.trim();
        if token.len() < TOKEN_LENGTH_MIN || !token.bytes().all(|b| (0x21..0x7f).contains(&b)) {
            let sentence = format!(
                "must hold one line of at least {TOKEN_LENGTH_MIN} characters without spaces"
            );
            return Err(ConfigError::of(&self.origin, key, sentence));
        }
        Ok(Some(Zeroizing::new(token.to_owned())))
    }
}
