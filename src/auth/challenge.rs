//! Parses `WWW-Authenticate` challenges (RFC 9110 §11.6.1), including malformed ones that
//! registries send.
//!
//! ```text
//! challenge = scheme [ SP ( token68 / param *( OWS "," OWS param ) ) ]
//! param     = name OWS "=" OWS ( token / quoted-string )
//! ```
//!
//! The parser also accepts several challenges in one header value, characters in unquoted values
//! that the grammar allows only in quoted ones, empty list elements, missing spaces after commas,
//! and a missing quote at the end of the value.

/// An authentication challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// HTTP Basic authentication (RFC 7617).
    Basic,
    /// A token of a token service (RFC 6750, distribution's "Token Authentication").
    Bearer {
        /// URL of the token service, possibly relative to the URL of the request.
        realm: String,
        /// Name of the registry at the token service.
        service: Option<String>,
        /// Scopes that the request requires, separated by spaces.
        scope: Option<String>,
    },
    /// The lower-case name of an unsupported scheme.
    Other(String),
}

/// Parses the values of all `WWW-Authenticate` headers. Malformed parts are skipped.
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
            // A parameter, or a token68 with `=` padding, which has no value.
            Some(value) if !word.is_empty() => {
                let (value, left) = parse_value(value.trim_start_matches([' ', '\t']));
                if let Some((_, parameters)) = &mut current {
                    parameters.push((word.to_ascii_lowercase(), value));
                }
                rest = left;
            }
            Some(value) => rest = value,
            // A token68 without padding.
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

/// Parses a quoted string, or an unquoted value that ends at a comma or blank. Returns the value
/// and the rest of the line.
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
    fn challenges_of_real_registries_are_parsed() {
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
    fn no_truncated_or_corrupted_challenge_panics() {
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
