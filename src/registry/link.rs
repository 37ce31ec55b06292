//! `Link` headers: the URL of the next page (RFC 8288, and the deviating forms that registries
//! send). Pure.

/// The target of the first link with the relation `next`, as it was written. If no link has that
/// relation, the first link without any: some registries send only the URL. Empty if the link is
/// the next page and has no target.
pub(super) fn next<'a>(values: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut unnamed = None;
    for link in values.flat_map(links) {
        match link.relations {
            Some(relations) if is_next(relations) => return Some(link.target.to_owned()),
            None if link.has_brackets && !link.target.is_empty() => {
                unnamed.get_or_insert(link.target);
            }
            _ => {}
        }
    }
    unnamed.map(str::to_owned)
}

struct Link<'a> {
    target: &'a str,
    has_brackets: bool,
    /// The value of the first parameter `rel`, which may be quoted.
    relations: Option<&'a str>,
}

/// Splits `<target>; parameters, <target>; parameters`. A target without its brackets is accepted.
fn links(value: &str) -> Vec<Link<'_>> {
    let mut links = Vec::new();
    let mut rest = value.trim_start_matches([' ', '\t', ',']);
    while !rest.is_empty() {
        let bracketed = rest
            .strip_prefix('<')
            .and_then(|inner| inner.split_once('>'));
        let (target, after) =
            bracketed.unwrap_or_else(|| rest.split_at(rest.find([';', ',']).unwrap_or(rest.len())));
        let end = find_unquoted(after, b',');
        links.push(Link {
            target: target.trim(),
            has_brackets: bracketed.is_some(),
            relations: relations(&after[..end]),
        });
        rest = after[end..].trim_start_matches([' ', '\t', ',']);
    }
    links
}

/// The index of the first `wanted` outside of quotes, or the length of the text.
fn find_unquoted(text: &str, wanted: u8) -> usize {
    let mut quoted = false;
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if byte == wanted && !quoted => return index,
            _ => {}
        }
    }
    text.len()
}

fn relations(parameters: &str) -> Option<&str> {
    let mut rest = parameters;
    while !rest.is_empty() {
        let (parameter, behind) = rest.split_at(find_unquoted(rest, b';'));
        rest = behind.trim_start_matches(';');
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if name.trim().eq_ignore_ascii_case("rel") {
            return Some(value);
        }
    }
    None
}

fn is_next(relations: &str) -> bool {
    let mut relations = relations.trim().trim_matches('"').split_ascii_whitespace();
    relations.any(|relation| relation.eq_ignore_ascii_case("next"))
}

/// Detects whether links form a loop, with the memory of one URL (Brent's cycle detection).
///
/// A milestone is set to the first URL, and to the current one after 1, 2, 4, … steps. Once the
/// milestone is inside the loop and the stride is at least as long as the loop, a link leads back
/// to the milestone.
pub(super) struct VisitedUrls {
    milestone: String,
    /// Steps between this milestone and the next.
    stride: usize,
    /// Steps since the milestone.
    steps: usize,
}

impl VisitedUrls {
    /// Starts at a URL.
    pub(super) fn new(first: String) -> Self {
        Self {
            milestone: first,
            stride: 1,
            steps: 0,
        }
    }

    /// Moves to the next URL. Returns whether it is known to have been visited before.
    pub(super) fn is_repeated(&mut self, next: String) -> bool {
        if next == self.milestone {
            return true;
        }
        self.steps += 1;
        if self.steps == self.stride {
            self.milestone = next;
            self.stride *= 2;
            self.steps = 0;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_is_detected_within_three_rounds() {
        for before in 0..20 {
            for around in 1..20 {
                let url = |step: usize| {
                    let within = step.saturating_sub(before) % around;
                    format!("/{}", if step < before { step } else { before + within })
                };
                let mut visited = VisitedUrls::new(url(0));
                let found = (1..1000).find(|&step| visited.is_repeated(url(step)));

                let found = found.unwrap();
                assert!(found >= before + around, "{before} {around}: {found}");
                assert!(
                    found <= 3 * before.max(around) + around,
                    "{before} {around}: {found}"
                );
            }
        }
    }

    #[test]
    fn links_without_a_loop_are_not_reported() {
        let mut visited = VisitedUrls::new("/0".to_owned());
        assert!((1..10_000).all(|step| !visited.is_repeated(format!("/{step}"))));
    }

    #[test]
    fn every_observed_form_is_parsed() {
        for (values, wanted) in [
            (
                vec![r#"</v2/a/tags/list?last=x&n=2>; rel="next""#],
                Some("/v2/a/tags/list?last=x&n=2"),
            ),
            (vec!["</n>;rel=next"], Some("/n")),
            (vec!["</n>; REL=\"prev NEXT\""], Some("/n")),
            (vec![r#"</p>; rel="prev", </n>; rel="next""#], Some("/n")),
            (
                vec![r#"</p>; title="a, b"; rel="prev""#, r#"</n>; rel="next""#],
                Some("/n"),
            ),
            (vec![r#"/n; rel="next""#], Some("/n")),
            (vec![r#"</p>; title="a; rel=next"; rel="prev""#], None),
            (vec![r#"</n>; title="a\"; b"; rel="next""#], Some("/n")),
            (vec!["</n>"], Some("/n")),
            (vec!["</n>; title=\"x\""], Some("/n")),
            (vec!["</other>, </n>; rel=next"], Some("/n")),
            (vec!["</p>; rel=prev, </n>"], Some("/n")),
            (vec!["</style.css>; rel=preload"], None),
            (vec!["</p>; rel"], None),
            (vec!["<n?a=1,2>"], Some("n?a=1,2")),
            (vec!["n", "<>"], None),
            (vec!["<>; rel=next"], Some("")),
            (vec!["; rel=next"], Some("")),
            (vec!["</n; rel=next"], Some("</n")),
            (vec![r#"</p>; rel="prev""#], None),
            (vec!["", ",", "<"], None),
            (vec![], None),
        ] {
            assert_eq!(
                next(values.iter().copied()).as_deref(),
                wanted,
                "{values:?}"
            );
        }
    }

    #[test]
    fn no_prefix_panics() {
        let value = r#"</p>; title="é\",;"; rel="prev", </n?a=b>; rel="next""#;
        for (end, _) in value.char_indices() {
            next(std::iter::once(&value[..end]));
        }
    }
}
