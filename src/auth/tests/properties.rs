//! Properties of well-formed challenges and scopes.

use std::collections::BTreeSet;

use super::Rng;
use crate::auth::{Challenge, Scopes, parse_challenges};

const ROUNDS: u64 = 2_000;

fn below(rng: &mut Rng, limit: usize) -> usize {
    usize::try_from(rng.below(limit as u64)).unwrap()
}

fn pick<'a>(rng: &mut Rng, choices: &[&'a str]) -> &'a str {
    choices[below(rng, choices.len())]
}

/// Returns a non-empty text of these characters.
fn text_of(rng: &mut Rng, alphabet: &str) -> String {
    let characters: Vec<char> = alphabet.chars().collect();
    (0..=below(rng, 12))
        .map(|_| characters[below(rng, characters.len())])
        .collect()
}

/// Returns `word` in random case.
fn in_any_case(rng: &mut Rng, word: &str) -> String {
    word.chars()
        .map(|letter| match below(rng, 2) {
            0 => letter.to_ascii_uppercase(),
            _ => letter,
        })
        .collect()
}

/// Returns `name=value` in one of the accepted forms.
fn parameter(rng: &mut Rng, name: &str, value: &str) -> String {
    let name = in_any_case(rng, name);
    let equals = pick(rng, &["=", " =", "= ", "\t=\t"]);
    let is_bare = !value.contains([',', ' ', '\t', '"', '\\', '=']);
    if is_bare && below(rng, 2) == 0 {
        return format!("{name}{equals}{value}");
    }
    let mut quoted = String::new();
    for character in value.chars() {
        if matches!(character, '"' | '\\') || below(rng, 10) == 0 {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    format!("{name}{equals}\"{quoted}\"")
}

/// Returns a challenge and one of its textual forms.
fn challenge(rng: &mut Rng) -> (Challenge, String) {
    const VALUE: &str = "abz09:/?&=, \t\"\\._-~é%";
    match below(rng, 4) {
        0 => {
            let realm = text_of(rng, VALUE);
            let scheme = in_any_case(rng, "basic");
            let realm = parameter(rng, "realm", &realm);
            (Challenge::Basic, format!("{scheme} {realm}"))
        }
        1 => {
            let name = in_any_case(rng, "negotiate");
            let token = pick(rng, &["", " YWJj", " YWJj==", " YWI="]);
            (
                Challenge::Other("negotiate".into()),
                format!("{name}{token}"),
            )
        }
        _ => {
            let realm = text_of(rng, VALUE);
            let service = (below(rng, 2) == 0).then(|| text_of(rng, VALUE));
            let scope = (below(rng, 2) == 0).then(|| text_of(rng, VALUE));
            let mut parameters = vec![parameter(rng, "realm", &realm)];
            for (name, value) in [("service", &service), ("scope", &scope)] {
                parameters.extend(value.as_ref().map(|value| parameter(rng, name, value)));
            }
            if below(rng, 3) == 0 {
                let unknown = text_of(rng, VALUE);
                parameters.push(parameter(rng, "error", &unknown));
            }
            let by = below(rng, parameters.len());
            parameters.rotate_left(by);
            if below(rng, 3) == 0 {
                // The first realm is used.
                parameters.push(parameter(rng, "realm", "https://other/"));
            }
            let comma = pick(rng, &[",", ", ", " , ", ",,", "\t,\t"]);
            let scheme = in_any_case(rng, "bearer");
            let text = format!("{scheme} {}", parameters.join(comma));
            let challenge = Challenge::Bearer {
                realm,
                service,
                scope,
            };
            (challenge, text)
        }
    }
}

#[test]
fn every_list_of_challenges_is_parsed() {
    for seed in 0..ROUNDS {
        let rng = &mut Rng::new(seed);
        let (challenges, texts): (Vec<_>, Vec<_>) =
            (0..=below(rng, 3)).map(|_| challenge(rng)).unzip();
        let together = texts.join(pick(rng, &[",", ", ", " ,, "]));

        assert_eq!(
            parse_challenges([together.as_str()]),
            challenges,
            "seed {seed}, in one line: {together}"
        );
        assert_eq!(
            parse_challenges(texts.iter().map(String::as_str)),
            challenges,
            "seed {seed}, a line for each: {texts:?}"
        );
    }
}

#[test]
fn whatever_a_registry_sends_is_read_to_its_end_and_names_no_empty_realm() {
    for seed in 0..ROUNDS {
        let rng = &mut Rng::new(seed);
        let line: String = (0..below(rng, 8))
            .map(|_| {
                let noise = text_of(rng, "ab=\", \\\t:/é\u{0}\u{7f}");
                match below(rng, 3) {
                    0 => noise,
                    1 => challenge(rng).1,
                    _ => pick(rng, &["Bearer ", "Basic", "realm=", ",", "\""]).to_owned(),
                }
            })
            .collect();
        for challenge in parse_challenges([line.as_str()]) {
            if let Challenge::Bearer { realm, .. } = challenge {
                assert!(!realm.is_empty(), "seed {seed}: {line}");
            }
        }
    }
}

/// Returns a scope from few resources and actions, so that many scopes overlap.
fn scope(rng: &mut Rng) -> String {
    let resource = pick(
        rng,
        &[
            "repository:a",
            "repository:host:5000/a",
            "repository(plugin):b",
            "registry:catalog",
        ],
    );
    let actions: Vec<&str> = (0..=below(rng, 3))
        .map(|_| pick(rng, &["pull", "push", "delete", "*"]))
        .collect();
    format!("{resource}:{}", actions.join(","))
}

fn scopes(rng: &mut Rng) -> Scopes {
    let texts: Vec<String> = (0..below(rng, 5)).map(|_| scope(rng)).collect();
    Scopes::parse(&texts.join(" "))
}

fn shown(scopes: &Scopes) -> Vec<String> {
    scopes.iter().collect()
}

#[test]
fn scopes_are_written_in_canonical_form() {
    for seed in 0..ROUNDS {
        let scopes = scopes(&mut Rng::new(seed));
        let shown = shown(&scopes);
        let again = Scopes::parse(&shown.join(" "));

        assert_eq!(shown, self::shown(&again), "seed {seed}");
        assert!(scopes.cover(&again) && again.cover(&scopes), "seed {seed}");
        let resources: BTreeSet<_> = shown
            .iter()
            .map(|scope| scope.rsplit_once(':').unwrap().0)
            .collect();
        assert_eq!(
            resources.len(),
            shown.len(),
            "each resource once: {shown:?}"
        );
        assert!(
            shown.iter().skip(1).is_sorted(),
            "all but the first: {shown:?}"
        );
        for scope in &shown {
            let (_, actions) = scope.rsplit_once(':').unwrap();
            let actions: Vec<_> = actions.split(',').collect();
            assert!(actions.is_sorted_by(|a, b| a < b), "{scope}");
            assert!(!actions.contains(&"*") || actions.len() == 1, "{scope}");
        }
    }
}

#[test]
fn a_union_covers_both_and_nothing_else() {
    for seed in 0..ROUNDS {
        let rng = &mut Rng::new(seed);
        let (a, b, c) = (scopes(rng), scopes(rng), scopes(rng));
        let both = a.clone().union(&b);

        assert!(both.cover(&a) && both.cover(&b), "seed {seed}");
        assert_eq!(shown(&both.clone().union(&a)), shown(&both), "seed {seed}");
        assert_eq!(shown(&a.clone().union(&a)), shown(&a), "seed {seed}");
        let other_way = b.clone().union(&a);
        assert!(
            both.cover(&other_way) && other_way.cover(&both),
            "seed {seed}"
        );
        if !a.is_empty() {
            assert_eq!(
                both.first_only().iter().next().map(|scope| scope
                    .rsplit_once(':')
                    .unwrap()
                    .0
                    .to_owned()),
                a.first_only().iter().next().map(|scope| scope
                    .rsplit_once(':')
                    .unwrap()
                    .0
                    .to_owned()),
                "the first stays first: seed {seed}"
            );
        }
        // The union contains no further actions.
        for single in [
            "repository:a:pull",
            "repository:a:push",
            "registry:catalog:delete",
        ] {
            let single = Scopes::parse(single);
            assert_eq!(
                both.cover(&single),
                a.cover(&single) || b.cover(&single),
                "seed {seed}"
            );
        }
        if a.cover(&b) && b.cover(&c) {
            assert!(a.cover(&c), "seed {seed}");
        }
        let extended = a.clone().extend_first(&b);
        assert!(extended.cover(&a) && both.cover(&extended), "seed {seed}");
        assert_eq!(extended.len(), a.len(), "seed {seed}");
    }
}
