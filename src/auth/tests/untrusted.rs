//! Properties of arbitrary challenges and scopes, as a malicious server may send them.

use super::Rng;
use crate::auth::{Challenge, Scope, Scopes, parse_challenges};

/// Number of inputs per property.
const ROUNDS: u64 = 5_000;

/// Parts of challenges, and invalid characters.
const PIECES: [&str; 28] = [
    "Bearer",
    "bearer",
    "Basic",
    "Negotiate",
    "realm",
    "service",
    "scope",
    "error",
    "=",
    "==",
    "\"",
    "\\",
    ",",
    ", ",
    " ",
    "\t",
    "https://r/t?a=b",
    "/token",
    "repository:a:pull,push",
    "YWJj",
    "é",
    "\u{0}",
    "\u{1b}[0m",
    ";",
    ":",
    "@",
    "%22",
    "\u{202e}",
];

fn pick<'a>(rng: &mut Rng, from: &[&'a str]) -> &'a str {
    from[usize::try_from(rng.below(from.len() as u64)).unwrap()]
}

fn pieces(rng: &mut Rng, at_most: u64) -> String {
    (0..rng.below(at_most))
        .map(|_| pick(rng, &PIECES))
        .collect()
}

/// Returns a non-empty parameter value.
fn value(rng: &mut Rng) -> String {
    format!("x{}", pieces(rng, 6))
}

fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

#[test]
fn arbitrary_challenges_are_parsed_without_panic() {
    let mut rng = Rng::new(1);
    for _ in 0..ROUNDS {
        let line = pieces(&mut rng, 30);

        for challenge in parse_challenges([line.as_str()]) {
            match challenge {
                Challenge::Bearer { realm, .. } => assert!(!realm.is_empty(), "{line:?}"),
                // The name of an unsupported scheme is a word of the input.
                Challenge::Other(name) => assert!(
                    line.to_ascii_lowercase().contains(&name)
                        && !["basic", "bearer"].contains(&name.as_str()),
                    "{line:?}: {name:?}"
                ),
                Challenge::Basic => {}
            }
        }
    }
}

#[test]
fn a_well_formed_challenge_is_parsed_among_malformed_ones() {
    let mut rng = Rng::new(2);
    for _ in 0..ROUNDS {
        let [realm, service, scope] = [(); 3].map(|()| value(&mut rng));
        let mut parameters = [
            ("realm", quoted(&realm)),
            ("service", quoted(&service)),
            ("scope", quoted(&scope)),
        ];
        parameters.rotate_left(usize::try_from(rng.below(3)).unwrap());
        let gap = pick(&mut rng, &[",", ", ", " , ", ",,", ",\t"]);
        let equals = pick(&mut rng, &["=", " = ", "= "]);
        let line = parameters
            .map(|(name, value)| format!("{name}{equals}{value}"))
            .join(gap);
        let scheme = pick(&mut rng, &["Bearer", "bearer", "BEARER"]);
        let before = pick(
            &mut rng,
            &[
                "",
                "Negotiate, ",
                "Negotiate YWJj==, ",
                "Basic realm=\"a, b\", ",
                ", ",
            ],
        );
        let after = pick(
            &mut rng,
            &["", ",", ", Basic realm=\"x\"", ", error=\"no\""],
        );
        let line = format!("{before}{scheme} {line}{after}");

        let challenges = parse_challenges([line.as_str()]);

        let wanted = Challenge::Bearer {
            realm,
            service: Some(service),
            scope: Some(scope),
        };
        assert!(challenges.contains(&wanted), "{line:?}: {challenges:?}");
        assert_eq!(
            challenges.contains(&Challenge::Basic),
            line.contains("Basic realm=")
                && (before.starts_with("Basic") || after.contains("Basic")),
            "{line:?}"
        );
    }
}

#[test]
fn header_values_are_parsed_independently() {
    let mut rng = Rng::new(3);
    for _ in 0..ROUNDS / 5 {
        let lines = [(); 3].map(|()| pieces(&mut rng, 12));

        let together = parse_challenges(lines.iter().map(String::as_str));

        let apart: Vec<_> = lines
            .iter()
            .flat_map(|line| parse_challenges([line.as_str()]))
            .collect();
        assert_eq!(together, apart, "{lines:?}");
    }
}

fn scopes(rng: &mut Rng) -> String {
    let mut text = Vec::new();
    for _ in 0..rng.below(5) {
        let kind = pick(
            rng,
            &["repository", "registry", "repository(plugin)", "", "x"],
        );
        let name = pick(rng, &["a", "b", "host:5000/a", "catalog", "", "a:b:c"]);
        let actions = pick(
            rng,
            &["pull", "pull,push", "*", "push,*", "", ",", "delete,pull"],
        );
        text.push(match rng.below(6) {
            0 => pieces(rng, 4),
            _ => format!("{kind}:{name}:{actions}"),
        });
    }
    text.join(pick(rng, &[" ", "  ", "\t"]))
}

fn shown(scopes: &Scopes) -> Vec<String> {
    scopes.iter().collect()
}

#[test]
fn written_scopes_parse_to_the_same_scopes() {
    let mut rng = Rng::new(4);
    for _ in 0..ROUNDS {
        let text = scopes(&mut rng);
        let parsed = Scopes::parse(&text);

        let again = Scopes::parse(&shown(&parsed).join(" "));

        assert_eq!(shown(&again), shown(&parsed), "{text:?}");
        assert!(again.cover(&parsed) && parsed.cover(&again), "{text:?}");
        assert_eq!(parsed.len(), shown(&parsed).len());
        assert_eq!(parsed.is_empty(), shown(&parsed).is_empty());
        // Each resource occurs once and contains no blanks.
        let mut resources: Vec<_> = shown(&parsed)
            .iter()
            .map(|scope| scope.rsplit_once(':').unwrap().0.to_owned())
            .collect();
        assert!(
            !resources.iter().any(|it| it.contains(char::is_whitespace)),
            "{text:?}"
        );
        resources.sort();
        resources.dedup();
        assert_eq!(resources.len(), parsed.len(), "{text:?}");
    }
}

#[test]
fn a_union_covers_both_and_adds_nothing() {
    let mut rng = Rng::new(5);
    for _ in 0..ROUNDS {
        let [a, b, c] = [(); 3].map(|()| Scopes::parse(&scopes(&mut rng)));

        let both = a.clone().union(&b);

        assert!(both.cover(&a) && both.cover(&b), "{a:?} {b:?}");
        assert_eq!(shown(&both.clone().union(&a)), shown(&both), "{a:?} {b:?}");
        let other_way = b.clone().union(&a);
        assert!(
            other_way.cover(&both) && both.cover(&other_way),
            "{a:?} {b:?}"
        );
        if c.cover(&a) && c.cover(&b) {
            assert!(c.cover(&both), "{a:?} {b:?} {c:?}");
        }
        // The first scope, that of the requested repository, stays first.
        if let Some(first) = shown(&a).first() {
            let resource = |scope: &str| scope.rsplit_once(':').unwrap().0.to_owned();
            assert_eq!(resource(&shown(&both)[0]), resource(first), "{a:?} {b:?}");
        }
        assert!(a.cover(&a.first_only()), "{a:?}");
    }
}

#[test]
fn a_scope_covers_itself_and_no_other_resource() {
    let mut rng = Rng::new(6);
    for _ in 0..ROUNDS {
        let text = scopes(&mut rng);
        for scope in text.split_ascii_whitespace().filter_map(Scope::parse) {
            let mut one = Scopes::none();
            one.add(scope.clone());
            assert!(one.cover(&one));
            assert_eq!(
                Scope::parse(&scope.to_string()).unwrap().to_string(),
                scope.to_string()
            );
            let mut other = Scopes::none();
            other.add(Scope::repository("of/nobody", &["*"]));
            assert!(!other.cover(&one), "{scope}");
        }
    }
}
