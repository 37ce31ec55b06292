//! Scopes: what a token is good for.

use std::collections::BTreeSet;
use std::fmt;

/// Actions on one resource, such as `repository:hello/world:pull,push`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Scope {
    /// `type:name`; the name may contain colons.
    resource: String,
    actions: BTreeSet<String>,
}

impl Scope {
    /// `actions` on the repository called `name`.
    pub(crate) fn repository(name: &str, actions: &[&str]) -> Self {
        Self {
            resource: format!("repository:{name}"),
            actions: actions.iter().map(|&action| action.to_owned()).collect(),
        }
    }

    /// Parses `type:name:action,action`. The last colon starts the actions, because names may contain `host:port`.
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

/// Scopes of one token. The first stays first, because some services read only that one; the rest are sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scopes(Vec<Scope>);

impl Scopes {
    /// No scope at all.
    pub(crate) const fn none() -> Self {
        Self(Vec::new())
    }

    /// Reading from a repository.
    pub(crate) fn pull(repository: &str) -> Self {
        Self(vec![Scope::repository(repository, &["pull"])])
    }

    /// Reading from and writing to a repository.
    pub(crate) fn pull_push(repository: &str) -> Self {
        Self(vec![Scope::repository(repository, &["pull", "push"])])
    }

    /// Listing the repositories of a registry.
    pub(crate) fn catalog() -> Self {
        Self(vec![Scope {
            resource: "registry:catalog".to_owned(),
            actions: BTreeSet::from(["*".to_owned()]),
        }])
    }

    /// Parses the space-separated scopes of a challenge. What is no scope is left out.
    pub(crate) fn parse(text: &str) -> Self {
        let mut scopes = Self::none();
        for scope in text.split_ascii_whitespace().filter_map(Scope::parse) {
            scopes.add(scope);
        }
        scopes
    }

    /// Adds a scope: actions on the same resource are united.
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

    /// These scopes and others.
    #[must_use]
    pub(crate) fn union(mut self, others: &Self) -> Self {
        for scope in &others.0 {
            self.add(scope.clone());
        }
        self
    }

    /// These scopes, and what `others` hold about the resource of the first one.
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

    /// The first scope alone: the repository that a request is about.
    #[must_use]
    pub(crate) fn first_only(&self) -> Self {
        Self(self.0.first().cloned().into_iter().collect())
    }

    /// Whether everything in `others` is in these.
    pub(crate) fn cover(&self, others: &Self) -> bool {
        others
            .0
            .iter()
            .all(|other| self.0.iter().any(|scope| scope.covers(other)))
    }

    /// How many resources there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The scopes as they are sent.
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
    fn a_name_may_contain_colons() {
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
    fn scopes_of_one_resource_are_united_and_the_first_stays_first() {
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
    fn a_star_swallows_every_other_action() {
        let all = Scopes::parse("repository:a:pull,*");
        assert_eq!(shown(&all), ["repository:a:*"]);
        assert!(all.cover(&Scopes::pull_push("a")));
        assert!(!all.cover(&Scopes::pull("b")));
        assert!(!Scopes::pull("a").cover(&Scopes::pull_push("a")));
        assert!(Scopes::pull("a").cover(&Scopes::none()));
        assert_eq!(shown(&Scopes::catalog()), ["registry:catalog:*"]);
    }
}
