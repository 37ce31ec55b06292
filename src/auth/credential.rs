//! Credentials for a registry or its token service.

use crate::text::secret::Secret;

/// A credential for a registry or its token service.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Credential {
    /// User name and password.
    #[non_exhaustive]
    Password {
        /// The user name. Like the password it may be any bytes.
        username: Secret,
        /// The password.
        password: Secret,
    },
    /// An identity token: the OAuth2 refresh token that a token service exchanges for access
    /// tokens.
    IdentityToken(Secret),
    /// An access token, sent to the registry as a Bearer token without asking a token service.
    RegistryToken(Secret),
}

impl Credential {
    /// Creates a credential from user name and password.
    pub fn password(username: impl Into<Secret>, password: impl Into<Secret>) -> Self {
        Self::Password {
            username: username.into(),
            password: password.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_in_debug_output() {
        let credential = Credential::password("me", "canary");
        assert!(!format!("{credential:?}").contains("canary"));
        let Credential::Password { password, .. } = credential else {
            unreachable!()
        };
        assert_eq!(password.expose(), "canary");
    }
}
