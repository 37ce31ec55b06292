//! Challenges: what a registry says it wants (RFC 9110 §11.6.1, and what registries send instead).
//!
//! ```text
//! challenge = scheme [ SP ( token68 / param *( OWS "," OWS param ) ) ]
//! param     = name OWS "=" OWS ( token / quoted-string )
//! ```
//!
//! Beyond the grammar these are read: several challenges in one line or in many, unquoted values with characters that only
//! quoted ones may have, empty list elements, missing spaces after commas, and a missing quote at the end of the line.

/// A challenge of a scheme this library speaks, or the name of one it does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// User name and password.
    Basic,
    /// A token of a service.
    Bearer {
        /// The address of the token service, perhaps relative to the registry's.
        realm: String,
        /// What the service calls the registry.
        service: Option<String>,
        /// The scopes that the request lacked, separated by spaces.
        scope: Option<String>,
    },
    /// Something else, by its name in lower case.
    Other(String),
}

/// Reads every challenge in the values of all `WWW-Authenticate` headers. Never fails: what cannot be read is left out.
pub(crate) fn parse_challenges<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<Challenge> {
    values.into_iter().flat_map(parse_line).collect()
}

fn parse_line(line: &str) -> Vec<Challenge> {
    let mut challenges = Vec::new();
    let mut current: Option<(String, Vec<(String, String)>)> = None;
    let mut rest = line;
    loop {
        let next = rest.trim_start_matches([' ', '\t', ',']);
        if next.is_empty() {
            break;
        }
        let is_new_element = rest[..rest.len() - next.len()].contains(',');
        rest = next;
        let word_end = rest.find([' ', '\t', ',', '=']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(word_end);
        let after_blanks = after.trim_start_matches([' ', '\t']);
        match after_blanks.strip_prefix('=') {
            // A parameter, or the padding of a scheme's token68, which has nothing behind it.
            Some(value) if !word.is_empty() => {
                let (value, left) = parse_value(value.trim_start_matches([' ', '\t']));
                if let Some((_, parameters)) = &mut current {
                    parameters.push((word.to_ascii_lowercase(), value));
                }
                rest = left;
            }
            Some(value) => rest = value,
            // A scheme's token68 without padding.
            None if !is_new_element
                && matches!(&current, Some((_, parameters)) if parameters.is_empty()) =>
            {
                rest = after;
            }
            None => {
                challenges.extend(current.take().and_then(finish));
                current = Some((word.to_ascii_lowercase(), Vec::new()));
                rest = after;
            }
        }
    }
    challenges.extend(current.and_then(finish));
    challenges
}

/// Reads a quoted string, or a bare value up to the next comma or blank.
fn parse_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[index + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

fn finish((scheme, parameters): (String, Vec<(String, String)>)) -> Option<Challenge> {
    let parameter = |wanted: &str| {
        parameters
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.clone())
            .filter(|value| !value.is_empty())
    };
    match scheme.as_str() {
        "basic" => Some(Challenge::Basic),
        "bearer" => Some(Challenge::Bearer {
            realm: parameter("realm")?,
            service: parameter("service"),
            scope: parameter("scope"),
        }),
        _ => Some(Challenge::Other(scheme)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: &str, scope: &str) -> Challenge {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Challenge::Bearer {
            realm: realm.to_owned(),
            service: some(service),
            scope: some(scope),
        }
    }

    #[test]
    fn every_observed_form_is_read() {
        let hub = bearer(
            "https://auth.docker.io/token",
            "registry.docker.io",
            "repository:a/b:pull,push",
        );
        for (name, lines, wanted) in [
            (
                "Docker Hub",
                vec![
                    r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#,
                ],
                vec![hub.clone()],
            ),
            (
                "blanks around everything",
                vec![
                    r#"bearer  realm = "https://auth.docker.io/token" , service= "registry.docker.io",	scope ="repository:a/b:pull,push""#,
                ],
                vec![hub.clone()],
            ),
            (
                "zot",
                vec!["bearer realm=https://z/token,service=z"],
                vec![bearer("https://z/token", "z", "")],
            ),
            (
                "realm only",
                vec![r#"Bearer realm="https://g/token""#],
                vec![bearer("https://g/token", "", "")],
            ),
            (
                "unquoted service",
                vec![r#"Bearer realm="https://gcr.io/v2/token",service=gcr.io"#],
                vec![bearer("https://gcr.io/v2/token", "gcr.io", "")],
            ),
            (
                "basic with realm",
                vec![r#"Basic realm="a, b", charset="UTF-8""#],
                vec![Challenge::Basic],
            ),
            (
                "a bare scheme",
                vec!["Negotiate"],
                vec![Challenge::Other("negotiate".into())],
            ),
            (
                "two in one line",
                vec![r#"Negotiate, Basic realm="x", Bearer realm="http://r/t""#],
                vec![
                    Challenge::Other("negotiate".into()),
                    Challenge::Basic,
                    bearer("http://r/t", "", ""),
                ],
            ),
            (
                "two lines",
                vec!["Basic realm=x", r#"Bearer realm="/t",service="s""#],
                vec![Challenge::Basic, bearer("/t", "s", "")],
            ),
            (
                "token68",
                vec!["Negotiate YWJj==, Basic realm=x"],
                vec![Challenge::Other("negotiate".into()), Challenge::Basic],
            ),
            (
                "escapes",
                vec![r#"Bearer realm="http://r/\"t\"""#],
                vec![bearer(r#"http://r/"t""#, "", "")],
            ),
            (
                "no closing quote",
                vec![r#"Bearer service="s",realm="http://r/t"#],
                vec![bearer("http://r/t", "s", "")],
            ),
            (
                "empty elements",
                vec![r#",, Bearer ,realm="http://r/t",,service="s","#],
                vec![bearer("http://r/t", "s", "")],
            ),
            (
                "the first of two",
                vec![r#"Bearer realm="http://r/1",realm="http://r/2""#],
                vec![bearer("http://r/1", "", "")],
            ),
            ("no realm", vec![r#"Bearer service="s""#], vec![]),
            ("nothing", vec!["", " , "], vec![]),
        ] {
            assert_eq!(parse_challenges(lines), wanted, "{name}");
        }
    }

    #[test]
    fn no_prefix_of_a_challenge_and_no_flipped_byte_panics() {
        let line = r#"Negotiate abc==, Basic realm="x\"y", Bearer realm="https://r/t?x=1",service=s,scope="repository:a:pull,push" , error=e"#;
        for end in 0..line.len() {
            parse_challenges([&line[..end]]);
            for replacement in ['"', ',', '=', '\\', ' ', 'é'] {
                let mutated = format!("{}{replacement}{}", &line[..end], &line[end + 1..]);
                parse_challenges([mutated.as_str()]);
            }
        }
    }
}
