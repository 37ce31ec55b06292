//! Credentials for a registry or its token service.

use crate::text::secret::Secret;

/// What a registry, or its token service, accepts as proof of identity.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Credential {
    /// A user name and a password.
    Password {
        /// The user name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// An identity token, which a token service changes for access tokens (OAuth2's refresh token).
    IdentityToken(Secret),
    /// An access token, sent as it is.
    RegistryToken(Secret),
}

impl Credential {
    /// A user name and a password.
    pub fn password(username: impl Into<String>, password: impl Into<Secret>) -> Self {
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
