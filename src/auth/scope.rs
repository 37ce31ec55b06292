//! Token scopes (distribution's "Token Scope Documentation").

use std::collections::BTreeSet;
use std::fmt;

/// Actions on one resource, for example `repository:hello/world:pull,push`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Scope {
    /// `type:name`. The name may contain colons.
    resource: String,
    actions: BTreeSet<String>,
}

impl Scope {
    /// Creates a scope for `actions` on the repository `name`.
    pub(crate) fn repository(name: &str, actions: &[&str]) -> Self {
        Self {
            resource: format!("repository:{name}"),
            actions: actions.iter().map(|&action| action.to_owned()).collect(),
        }
    }

    /// Parses `type:name:action,action`. The actions start after the last colon, because a name may
    /// contain `host:port`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (resource, actions) = text.rsplit_once(':')?;
        let (kind, name) = resource.split_once(':')?;
        let actions: BTreeSet<String> = actions
            .split(',')
            .filter(|action| !action.is_empty())
            .map(str::to_owned)
            .collect();
        (!kind.is_empty() && !name.is_empty() && !actions.is_empty()).then(|| Self {
            resource: resource.to_owned(),
            actions,
        })
    }

    fn covers(&self, other: &Self) -> bool {
        self.resource == other.resource
            && (self.actions.contains("*") || other.actions.is_subset(&self.actions))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.actions.contains("*") {
            return write!(f, "{}:*", self.resource);
        }
        let actions: Vec<&str> = self.actions.iter().map(String::as_str).collect();
        write!(f, "{}:{}", self.resource, actions.join(","))
    }
}

/// Scopes of one token. The first scope keeps its position, because some token services read only
/// that one. The others are sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scopes(Vec<Scope>);

impl Scopes {
    /// Creates an empty set.
    pub(crate) const fn none() -> Self {
        Self(Vec::new())
    }

    /// Creates the scope to read from a repository.
    pub(crate) fn pull(repository: &str) -> Self {
        Self(vec![Scope::repository(repository, &["pull"])])
    }

    /// Creates the scope to read from and write to a repository.
    pub(crate) fn pull_push(repository: &str) -> Self {
        Self(vec![Scope::repository(repository, &["pull", "push"])])
    }

    /// Creates the scope to list the repositories of a registry.
    pub(crate) fn catalog() -> Self {
        Self(vec![Scope {
            resource: "registry:catalog".to_owned(),
            actions: BTreeSet::from(["*".to_owned()]),
        }])
    }

    /// Parses the space-separated scopes of a challenge. Malformed scopes are skipped.
    pub(crate) fn parse(text: &str) -> Self {
        let mut scopes = Self::none();
        for scope in text.split_ascii_whitespace().filter_map(Scope::parse) {
            scopes.add(scope);
        }
        scopes
    }

    /// Returns whether the scopes allow to pull and nothing else.
    pub(crate) fn are_for_pulls(&self) -> bool {
        let is_pull = |scope: &Scope| scope.actions.iter().all(|action| action == "pull");
        !self.is_empty() && self.0.iter().all(is_pull)
    }

    /// Adds a scope. If the resource is present, only its actions are added.
    pub(crate) fn add(&mut self, scope: Scope) {
        match self
            .0
            .iter_mut()
            .find(|known| known.resource == scope.resource)
        {
            Some(known) => known.actions.extend(scope.actions),
            None => self.0.push(scope),
        }
        if let Some((_, rest)) = self.0.split_first_mut() {
            rest.sort();
        }
    }

    /// Adds all scopes of `others`.
    #[must_use]
    pub(crate) fn union(mut self, others: &Self) -> Self {
        for scope in &others.0 {
            self.add(scope.clone());
        }
        self
    }

    /// Adds the actions that `others` contain for the resource of the first scope.
    #[must_use]
    pub(crate) fn extend_first(mut self, others: &Self) -> Self {
        let about_first = self.0.first().and_then(|first| {
            let mut others = others.0.iter();
            others.find(|other| other.resource == first.resource)
        });
        if let Some(scope) = about_first.cloned() {
            self.add(scope);
        }
        self
    }

    /// Returns only the first scope, which is that of the requested repository.
    #[must_use]
    pub(crate) fn first_only(&self) -> Self {
        Self(self.0.first().cloned().into_iter().collect())
    }

    /// Returns whether every action of `others` is included.
    pub(crate) fn cover(&self, others: &Self) -> bool {
        others
            .0
            .iter()
            .all(|other| self.0.iter().any(|scope| scope.covers(other)))
    }

    /// Returns the number of resources.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are no scopes.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns each scope as sent in a token request.
    pub(crate) fn iter(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(ToString::to_string)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(scopes: &Scopes) -> Vec<String> {
        scopes.iter().collect()
    }

    #[test]
    fn a_resource_name_may_contain_colons() {
        let scope = Scope::parse("repository:host:5000/a/b:push,pull").unwrap();
        assert_eq!(scope.to_string(), "repository:host:5000/a/b:pull,push");
        for text in [
            "",
            "repository",
            "repository:a",
            "repository:a:",
            ":a:pull",
            "repository::pull",
            "a:b:,",
        ] {
            assert_eq!(Scope::parse(text), None, "{text}");
        }
    }

    #[test]
    fn scopes_of_one_resource_are_merged_and_the_first_stays_first() {
        let scopes = Scopes::parse(
            "repository:z:pull repository:b:pull repository:a:pull nonsense repository:z:push",
        );
        assert_eq!(
            shown(&scopes),
            [
                "repository:z:pull,push",
                "repository:a:pull",
                "repository:b:pull"
            ]
        );
        assert_eq!(shown(&scopes.first_only()), ["repository:z:pull,push"]);
    }

    #[test]
    fn a_star_replaces_all_other_actions() {
        let all = Scopes::parse("repository:a:pull,*");
        assert_eq!(shown(&all), ["repository:a:*"]);
        assert!(all.cover(&Scopes::pull_push("a")));
        assert!(!all.cover(&Scopes::pull("b")));
        assert!(!Scopes::pull("a").cover(&Scopes::pull_push("a")));
        assert!(Scopes::pull("a").cover(&Scopes::none()));
        assert_eq!(shown(&Scopes::catalog()), ["registry:catalog:*"]);
    }
}
