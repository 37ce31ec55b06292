use super::*;

fn registry(name: &str) -> RegistryName {
    name.parse().unwrap()
}

fn document(text: &str) -> Document {
    Document::parse(text, Dialect::Docker).unwrap()
}

fn credential(entry: &str) -> Result<Option<Credential>, String> {
    document(&format!(r#"{{"auths":{{"r.io":{entry}}}}}"#)).credential(&registry("r.io"), None)
}

#[test]
fn every_form_of_an_entry_is_parsed() {
    let password = |user: &str, password: &str| Some(Credential::password(user, password));
    for (entry, wanted) in [
        (r#"{"auth":"bWU6c2VjcmV0"}"#, password("me", "secret")),
        (r#"{"auth":"bWU6czo6OngK"}"#, password("me", "s:::x\n")),
        (r#"{"auth":"bWU6c2VjcmV0AAA="}"#, password("me", "secret")),
        (r#"{"auth":"bWU6cGFzcw"}"#, password("me", "pass")),
        (r#"{"auth":"bWU6cGFzcw=="}"#, password("me", "pass")),
        (r#"{"auth":"bWU6\r\ncGFzcw=="}"#, password("me", "pass")),
        (r#"{"auth":"bWU6"}"#, password("me", "")),
        (r#"{"AUTH":"bWU6cGFzcw=="}"#, password("me", "pass")),
        (
            r#"{"auth":"eDp5","Auth":"bWU6cGFzcw=="}"#,
            password("me", "pass"),
        ),
        (
            r#"{"UserName":"me","PASSWORD":"pass"}"#,
            password("me", "pass"),
        ),
        // j\xfc:p\xe4ss
        (
            r#"{"auth":"avw6cORzcw=="}"#,
            Some(Credential::password(b"j\xfc".to_vec(), b"p\xe4ss".to_vec())),
        ),
        (
            r#"{"IdentityToken":"t"}"#,
            Some(Credential::IdentityToken("t".into())),
        ),
        (r#"{"auth":"Og=="}"#, None),
        (r#"{"auth":""}"#, None),
        (
            r#"{"username":"me","password":"pass"}"#,
            password("me", "pass"),
        ),
        (
            r#"{"username":"x","password":"y","auth":"bWU6cGFzcw=="}"#,
            password("me", "pass"),
        ),
        (
            r#"{"auth":"bWU6","identitytoken":"t"}"#,
            Some(Credential::IdentityToken("t".into())),
        ),
        (
            r#"{"registrytoken":"r","identitytoken":"t"}"#,
            Some(Credential::RegistryToken("r".into())),
        ),
        (r#"{"auth":null,"identitytoken":null,"email":5}"#, None),
        ("{}", None),
        ("null", None),
    ] {
        assert_eq!(credential(entry).unwrap(), wanted, "{entry}");
    }
}

#[test]
fn a_malformed_entry_is_an_error_without_secrets_when_it_is_used() {
    for (entry, wanted) in [
        (r#"{"auth":"c2Vj*ZXQ="}"#, r#""auth" is not base64"#),
        (
            r#"{"auth":"c2VjcmV0"}"#,
            r#""auth" does not conform the base64(username:password) format"#,
        ),
        (r#"{"auth":{"secret":1}}"#, r#""auth" is not a string"#),
        (
            r#"{"password":["secret"]}"#,
            r#""password" is not a string"#,
        ),
        (r#""secret""#, "it is not an object"),
    ] {
        let reason = credential(entry).unwrap_err();
        assert_eq!(reason, format!(r#"in the entry of "r.io": {wanted}"#));
        let document = document(&format!(r#"{{"auths":{{"r.io":{entry}}}}}"#));
        assert_eq!(document.credential(&registry("q.io"), None), Ok(None));
    }
}

#[test]
fn a_malformed_document_is_an_error_without_secrets() {
    for (text, wanted) in [
        (r#"{"auths":"secret"}"#, r#""auths" is not an object"#),
        (
            r#"{"auths":[{"auth":"secret"}]}"#,
            r#""auths" is not an object"#,
        ),
        (
            r#"{"credsStore":["secret"]}"#,
            r#""credsStore" is not a string"#,
        ),
        (
            r#"{"credHelpers":"secret"}"#,
            r#""credHelpers" is not an object"#,
        ),
        (
            r#"{"credHelpers":{"r.io":{"secret":1}}}"#,
            r#"the "credHelpers" of "r.io" is not a string"#,
        ),
        (r#"["secret"]"#, "it is not an object"),
        (r#""secret""#, "it is not an object"),
        (r#"{"a":secret}"#, "expected value at line 1 column 6"),
        ("secret {}", "expected value at line 1 column 1"),
    ] {
        let reason = Document::parse(text, Dialect::Docker).unwrap_err();
        assert_eq!(reason, wanted, "{text}");
    }
}

#[test]
fn empty_and_null_documents_have_no_credentials() {
    for text in [
        "",
        " \n",
        "null",
        "{}",
        r#"{"auths":null,"credHelpers":null,"credsStore":null}"#,
        r#"{"credsStore":""}"#,
    ] {
        let document = document(text);
        assert_eq!(document.credential(&registry("r.io"), None), Ok(None));
        assert_eq!(document.helper(&registry("r.io")), None, "{text}");
    }
}

#[test]
fn every_truncated_document_is_an_error() {
    let text = r#"{"auths":{"r.io":{"auth":"bWU6cGFzcw==","é":1.5}},"credHelpers":{"q.io":"x"},"credsStore":"y"}"#;
    for (end, _) in text.char_indices().skip(1) {
        for dialect in [Dialect::Docker, Dialect::Podman, Dialect::Legacy] {
            assert!(Document::parse(&text[..end], dialect).is_err(), "{end}");
        }
    }
    assert!(Document::parse(text, Dialect::Docker).is_ok());
}

#[test]
fn the_helper_of_a_registry_is_preferred_to_the_default_helper() {
    let both = document(
        r#"{"credsStore":"all","credHelpers":{"R.io":"own","docker.io":"hub","e.io":""}}"#,
    );
    for (name, wanted) in [
        ("r.io", "own"),
        ("r.io:443", "own"),
        ("r.io:5000", "all"),
        ("index.docker.io", "hub"),
        ("e.io", "all"),
    ] {
        assert_eq!(both.helper(&registry(name)), Some(wanted), "{name}");
    }
    let hub = document(r#"{"credHelpers":{"https://index.docker.io/v1/":"hub"}}"#);
    assert_eq!(hub.helper(&registry("docker.io")), Some("hub"));
    assert_eq!(hub.helper(&registry("r.io")), None);
}

#[test]
fn a_legacy_document_consists_of_entries() {
    let text = r#"{"https://index.docker.io/v1/":{"auth":"bWU6cGFzcw==","email":"x"}}"#;
    let mut legacy = Document::parse(text, Dialect::Legacy).unwrap();
    let wanted = Credential::password("me", "pass");
    assert_eq!(
        legacy.credential(&registry("docker.io"), None),
        Ok(Some(wanted.clone()))
    );
    legacy.put(&registry("a.io"), &wanted);
    assert!(legacy.remove(&registry("docker.io")));
    assert_eq!(legacy.to_text(), r#"{"a.io":{"auth":"bWU6cGFzcw=="}}"#);
}

#[test]
fn an_edit_preserves_order_and_unknown_members() {
    let mut document = document(
        r#" {"zeta":{"b":1.50,"a":[ ]},"auths":{"z.io":{"x":1},"r.io":{"username":"u","email":"<e>","password":"p","auth":"eA=="},"a.io":{}},"alpha":-0,"credsStore":"s"}"#,
    );
    document.put(&registry("r.io"), &Credential::password("me", "pass"));
    assert_eq!(
        document.to_text(),
        r#"{"zeta":{"b":1.50,"a":[ ]},"auths":{"z.io":{"x":1},"r.io":{"email":"<e>","auth":"bWU6cGFzcw=="},"a.io":{}},"alpha":-0,"credsStore":"s"}"#
    );
    document.put(&registry("r.io"), &Credential::IdentityToken("t".into()));
    document.put(&registry("n.io"), &Credential::RegistryToken("r".into()));
    assert_eq!(
        document.to_text(),
        r#"{"zeta":{"b":1.50,"a":[ ]},"auths":{"z.io":{"x":1},"r.io":{"email":"<e>","identitytoken":"t"},"a.io":{},"n.io":{"registrytoken":"r"}},"alpha":-0,"credsStore":"s"}"#
    );
    assert!(document.mark_stored_by_helper(&registry("r.io")));
    assert!(!document.mark_stored_by_helper(&registry("r.io")));
    assert!(document.remove(&registry("n.io")));
    assert!(!document.remove(&registry("n.io")));
    assert_eq!(
        document.to_text(),
        r#"{"zeta":{"b":1.50,"a":[ ]},"auths":{"z.io":{"x":1},"r.io":{"email":"<e>"},"a.io":{}},"alpha":-0,"credsStore":"s"}"#
    );
}

#[test]
fn a_new_member_is_inserted_in_sorted_position() {
    let mut document = document(r#"{"alpha":1,"zeta":2}"#);
    for name in ["m.io", "z.io", "a.io", "docker.io"] {
        document.put(&registry(name), &Credential::IdentityToken("t".into()));
    }
    assert_eq!(
        document.to_text(),
        r#"{"alpha":1,"auths":{"a.io":{"identitytoken":"t"},"https://index.docker.io/v1/":{"identitytoken":"t"},"m.io":{"identitytoken":"t"},"z.io":{"identitytoken":"t"}},"zeta":2}"#
    );
}

#[test]
fn removing_a_registry_removes_all_its_keys_except_namespaces() {
    let mut document = document(
        r#"{"auths":{"https://r.io/v1/":{"auth":"YTpi"},"R.io":{},"r.io:443":{},"r.io/a":{"auth":"YTpi"},"q.io":{}}}"#,
    );
    assert!(document.remove(&registry("r.io")));
    assert_eq!(
        document.to_text(),
        r#"{"auths":{"r.io/a":{"auth":"YTpi"},"q.io":{}}}"#
    );
}

#[test]
fn debug_output_contains_no_secrets() {
    let document = document(r#"{"auths":{"r.io":{"auth":"canary"}},"x":"canary"}"#);
    assert!(!format!("{document:?}").contains("canary"));
}
