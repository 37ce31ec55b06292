//! The JSON of a config file: reading and editing entries.
//!
//! Editing a [`Document`] preserves unknown members and the order of members. Error messages do not
//! quote the text, because it contains secrets.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::error::Category;

use super::auths_key::{self, Dialect};
use super::lenient_json::{first_value, string, string_field};
use crate::auth::credential::Credential;
use crate::oci::{RegistryName, RepositoryName};
use crate::text::json::edit::{Object, text_of};
use crate::text::secret::Secret;

/// Encoding of `auth`. Some tools omit the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Members of an entry that contain secrets.
const SECRETS: [&str; 5] = [
    "auth",
    "identitytoken",
    "registrytoken",
    "username",
    "password",
];

/// The parsed content of a config file.
#[derive(Clone)]
pub(super) struct Document {
    /// The whole document. In a [legacy](Dialect::Legacy) file it consists of the entries.
    root: Object,
    /// `auths`: entries by key.
    entries: Object,
    /// `credHelpers`: suffixes of helper programs by registry.
    helpers: Vec<(String, String)>,
    /// `credsStore`: suffix of the helper program for all other registries.
    default_helper: Option<String>,
    dialect: Dialect,
}

impl Document {
    /// Parses a document. An empty text is a document without credentials. Text behind the document
    /// is ignored.
    pub(super) fn parse(text: &str, dialect: Dialect) -> Result<Self, String> {
        let root = match first_value(text).map_err(|error| error.to_string())? {
            "" => Object::default(),
            text => Object::parse(text).map_err(|error| match error.classify() {
                Category::Data => "it is not an object".to_owned(),
                _ => error.to_string(),
            })?,
        };
        let member = |name| root.value(name).unwrap_or("null");
        if dialect == Dialect::Legacy {
            return Ok(Self {
                entries: root.clone(),
                root,
                helpers: Vec::new(),
                default_helper: None,
                dialect,
            });
        }
        let object =
            |name| Object::parse(member(name)).map_err(|_| format!("\"{name}\" is not an object"));
        let helpers = object("credHelpers")?;
        let helpers = helpers.iter().map(|(registry, helper)| {
            let helper = string(Some(helper))
                .map_err(|()| format!("the \"credHelpers\" of \"{registry}\" is not a string"))?;
            Ok((registry.to_owned(), helper))
        });
        Ok(Self {
            entries: object("auths")?,
            helpers: helpers.collect::<Result<_, String>>()?,
            default_helper: string(root.value("credsStore"))
                .map(|helper| Some(helper).filter(|helper| !helper.is_empty()))
                .map_err(|()| "\"credsStore\" is not a string".to_owned())?,
            root,
            dialect,
        })
    }

    /// Returns the suffix of the helper program for a registry.
    pub(super) fn helper(&self, registry: &RegistryName) -> Option<&str> {
        let names: Vec<&str> = self.helpers.iter().map(|(name, _)| name.as_str()).collect();
        let specific =
            auths_key::find_registry(&names, registry, Dialect::Podman).and_then(|found| {
                let (_, helper) = self.helpers.iter().find(|(name, _)| name == found)?;
                Some(helper.as_str()).filter(|helper| !helper.is_empty())
            });
        specific.or(self.default_helper.as_deref())
    }

    /// Returns the credential of the matching entry.
    pub(super) fn credential(
        &self,
        registry: &RegistryName,
        repository: Option<&RepositoryName>,
    ) -> Result<Option<Credential>, String> {
        let keys: Vec<&str> = self.entries.iter().map(|(key, _)| key).collect();
        auths_key::find(&keys, registry, repository, self.dialect).map_or(Ok(None), |key| {
            self.entry(key)
                .and_then(|entry| entry_credential(&entry))
                .map_err(|reason| format!("in the entry of \"{key}\": {reason}"))
        })
    }

    /// Stores a credential. Members of the entry that contain no secrets remain.
    pub(super) fn put(&mut self, registry: &RegistryName, credential: &Credential) {
        let (name, secret) = match credential {
            Credential::Password { username, password } => {
                let pair = [username.expose_bytes(), b":", password.expose_bytes()].concat();
                ("auth", Secret::new(BASE64.encode(pair)))
            }
            Credential::IdentityToken(token) => ("identitytoken", token.clone()),
            Credential::RegistryToken(token) => ("registrytoken", token.clone()),
        };
        self.edit(registry, |entry| {
            remove_secrets(entry, name);
            put(entry, name, text_of(&*secret.expose()));
        });
    }

    /// Adds an entry without secrets for a registry whose credential a helper program stores.
    /// Returns whether the document changed.
    pub(super) fn mark_stored_by_helper(&mut self, registry: &RegistryName) -> bool {
        let before = self.root.clone();
        self.edit(registry, |entry| remove_secrets(entry, ""));
        self.root != before
    }

    /// Removes all entries for the whole registry. Returns whether the document changed.
    ///
    /// Entries for namespaces are separate logins and remain.
    pub(super) fn remove(&mut self, registry: &RegistryName) -> bool {
        let mut is_changed = false;
        loop {
            let keys = self.entries.iter().map(|(key, _)| key);
            let keys: Vec<&str> = keys.filter(|key| !auths_key::is_namespace(key)).collect();
            let found = auths_key::find_registry(&keys, registry, self.dialect);
            let Some(key) = found.map(str::to_owned) else {
                break;
            };
            self.entries.remove(&key);
            is_changed = true;
        }
        if is_changed {
            self.put_entries();
        }
        is_changed
    }

    /// Returns the document as JSON.
    pub(super) fn to_text(&self) -> String {
        self.root.to_text()
    }

    fn entry(&self, key: &str) -> Result<Object, String> {
        let entry = self.entries.value(key).unwrap_or("null");
        Object::parse(entry).map_err(|_| "it is not an object".to_owned())
    }

    fn edit(&mut self, registry: &RegistryName, change: impl FnOnce(&mut Object)) {
        let key = auths_key::server(registry);
        // A malformed entry is replaced.
        let mut entry = self.entry(key).unwrap_or_default();
        change(&mut entry);
        put(&mut self.entries, key, entry.to_text());
        self.put_entries();
    }

    fn put_entries(&mut self) {
        if self.dialect == Dialect::Legacy {
            self.root = self.entries.clone();
        } else {
            put(&mut self.root, "auths", self.entries.to_text());
        }
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").finish_non_exhaustive()
    }
}

/// Inserts a member in sorted position if the members are sorted, as Docker writes them, otherwise
/// at the end.
fn put(object: &mut Object, name: &str, value: String) {
    let is_sorted = object.iter().map(|(name, _)| name).is_sorted();
    object.put(name, value, |other| is_sorted && other > name);
}

/// Removes the members of an entry that contain secrets, except the member `kept`.
fn remove_secrets(entry: &mut Object, kept: &str) {
    let is_secret = |name: &str| {
        SECRETS
            .iter()
            .any(|secret| secret.eq_ignore_ascii_case(name))
    };
    let names = entry.iter().map(|(name, _)| name.to_owned());
    let names: Vec<String> = names
        .filter(|name| is_secret(name) && name != kept)
        .collect();
    for name in names {
        entry.remove(&name);
    }
}

fn entry_credential(entry: &Object) -> Result<Option<Credential>, String> {
    let registry_token = string_field(entry, "registrytoken")?;
    if !registry_token.is_empty() {
        return Ok(Some(Credential::RegistryToken(registry_token.into())));
    }
    let identity_token = string_field(entry, "identitytoken")?;
    if !identity_token.is_empty() {
        return Ok(Some(Credential::IdentityToken(identity_token.into())));
    }
    let auth = string_field(entry, "auth")?;
    let (username, password): (Secret, Secret) = if auth.is_empty() {
        let (username, password) = (
            string_field(entry, "username")?,
            string_field(entry, "password")?,
        );
        (username.into(), password.into())
    } else {
        username_and_password(&auth).map_err(|reason| format!("\"auth\" {reason}"))?
    };
    let is_empty = username.is_empty() && password.is_empty();
    Ok((!is_empty).then(|| Credential::password(username, password)))
}

/// Decodes `auth`. A password may contain colons; a user name cannot. Both may be any bytes.
fn username_and_password(auth: &str) -> Result<(Secret, Secret), &'static str> {
    // Some tools write base64 with line breaks.
    let auth = auth.replace(['\r', '\n'], "");
    let pair = BASE64.decode(auth).map_err(|_| "is not base64")?;
    let colon = pair.iter().position(|&byte| byte == b':');
    let colon = colon.ok_or("does not conform the base64(username:password) format")?;
    let (username, password) = (&pair[..colon], &pair[colon + 1..]);
    let end = password
        .iter()
        .rposition(|&byte| byte != 0)
        .map_or(0, |last| last + 1);
    Ok((Secret::new(username), Secret::new(&password[..end])))
}

#[cfg(test)]
mod tests;
