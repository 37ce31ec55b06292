//! Packing of artifact manifests (image spec v1.1, "Guidelines for Artifact Usage").

use std::time::SystemTime;

use crate::error::{Error, Input, Result};
use crate::oci::{
    CREATED, Descriptor, EMPTY_JSON, ImageManifest, MediaType, Platform, RawManifest,
};
use crate::progress::{Observer, Scope};
use crate::store::Target;
use crate::text::go_time::rfc3339_parse_error;
use crate::text::json::{Annotations, to_vec};
use crate::text::time::{is_rfc3339, rfc3339};

/// The version of the image spec that a manifest follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageSpec {
    /// Version 1.0. The type of an artifact is the media type of its config.
    V1_0,
    /// Version 1.1, which has `artifactType` and `subject`.
    #[default]
    V1_1,
}

/// The members of a manifest.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PackOptions {
    /// The version of the image spec.
    pub image_spec: ImageSpec,
    /// The artifact type. In v1.0 it becomes the media type of the config, by default
    /// `application/vnd.unknown.config.v1+json`.
    pub artifact_type: Option<MediaType>,
    /// The config; by default the empty JSON object, which is pushed.
    pub config: Option<Descriptor>,
    /// Annotations of the default config. Ignored with a `config`.
    pub config_annotations: Annotations,
    /// The layers, in order. In v1.1 a manifest without layers gets the empty JSON object as a
    /// layer.
    pub layers: Vec<Descriptor>,
    /// The subject that the artifact refers to. Only v1.1 has subjects.
    pub subject: Option<Descriptor>,
    /// Annotations of the manifest. The annotation `org.opencontainers.image.created` is added if
    /// it is missing.
    pub annotations: Annotations,
    /// Observes the requests of the target.
    pub observer: Option<Observer>,
}

/// Creates a manifest and pushes it to `target` without a tag, after the empty config and layer
/// that it needs. `now` is the time of creation.
///
/// The returned descriptor has the artifact type and the annotations of the manifest, like an entry
/// in `index.json`.
///
/// # Errors
///
/// - [`Error::InvalidInput`] for an invalid artifact type, media type of the config, or creation
///   time in the annotations; also if v1.1 has neither an artifact type nor a config with a media
///   type other than that of the empty JSON object.
/// - [`Error::Unsupported`] for a subject in v1.0.
/// - The errors of [`Target::push`].
pub fn pack(target: &dyn Target, options: PackOptions, now: SystemTime) -> Result<RawManifest> {
    let _scope = Scope::of_verb(options.observer.as_ref());
    let image = build_manifest(target, options, now)?;
    let artifact_type = image
        .artifact_type
        .clone()
        .or_else(|| Some(image.config.as_ref()?.media_type.clone()));
    let bytes = to_vec(&image);
    let mut descriptor = Descriptor::of(MediaType::IMAGE_MANIFEST, &bytes);
    descriptor.artifact_type = artifact_type;
    descriptor.annotations = image.annotations.clone();
    let manifest = RawManifest::packed(descriptor, bytes, image);
    target.push(manifest.descriptor(), &mut &manifest)?;
    Ok(manifest)
}

/// Builds the manifest. Pushes the default config and layer if the manifest refers to them.
fn build_manifest(
    target: &dyn Target,
    options: PackOptions,
    now: SystemTime,
) -> Result<ImageManifest> {
    let (artifact_type, default_config) = match options.image_spec {
        ImageSpec::V1_0 if options.subject.is_some() => {
            let feature = "a subject in a manifest of image spec v1.0";
            return Err(Error::unsupported(feature));
        }
        ImageSpec::V1_0 => {
            let media_type = options.artifact_type.unwrap_or(MediaType::UNKNOWN_CONFIG);
            (None, Descriptor::of(media_type, EMPTY_JSON))
        }
        ImageSpec::V1_1 => {
            let artifact_type = artifact_type(options.artifact_type, options.config.as_ref())?;
            (artifact_type, Descriptor::empty())
        }
    };
    let is_default_config = options.config.is_none();
    let config = options.config.unwrap_or(Descriptor {
        annotations: options.config_annotations,
        ..default_config
    });
    valid("config mediaType", config.media_type.clone())?;
    if is_default_config {
        target.push(&config, &mut &*EMPTY_JSON)?;
    }
    let annotations = with_created(options.annotations, now)?;
    let mut layers = options.layers;
    if layers.is_empty() && options.image_spec == ImageSpec::V1_1 {
        target.push(&Descriptor::empty(), &mut &*EMPTY_JSON)?;
        layers.push(Descriptor::empty());
    }
    Ok(ImageManifest {
        schema_version: 2,
        media_type: Some(MediaType::IMAGE_MANIFEST),
        artifact_type,
        config: Some(config),
        layers,
        subject: options.subject,
        annotations,
    })
}

/// Returns the artifact type of a v1.1 manifest. `None` if the media type of the config replaces
/// it.
fn artifact_type(
    artifact_type: Option<MediaType>,
    config: Option<&Descriptor>,
) -> Result<Option<MediaType>> {
    match (artifact_type, config) {
        (Some(artifact_type), _) => valid("artifactType", artifact_type).map(Some),
        (None, Some(config)) if config.media_type != MediaType::EMPTY => Ok(None),
        (None, _) => Err(Error::InvalidInput {
            input: Input::ArtifactType,
            value: String::new(),
            reason: "missing artifact type".to_owned(),
        }),
    }
}

/// Returns an image config that contains only the platform, and its descriptor.
pub(crate) fn platform_config(platform: &Platform) -> (Descriptor, Vec<u8>) {
    let bytes = to_vec(platform);
    (Descriptor::of(MediaType::IMAGE_CONFIG, &bytes), bytes)
}

/// Returns the media type if it is valid. `what` names it in the error.
pub(crate) fn valid(what: &'static str, media_type: MediaType) -> Result<MediaType> {
    if media_type.is_valid() {
        Ok(media_type)
    } else {
        Err(Error::InvalidInput {
            input: Input::MediaType(what),
            value: media_type.to_string(),
            reason: "invalid media type".to_owned(),
        })
    }
}

/// Adds the time of creation unless the annotations contain one.
fn with_created(mut annotations: Annotations, now: SystemTime) -> Result<Annotations> {
    match annotations.get(CREATED) {
        Some(value) if !is_rfc3339(value) => Err(Error::InvalidInput {
            input: Input::Created,
            value: value.clone(),
            reason: rfc3339_parse_error(value),
        }),
        Some(_) => Ok(annotations),
        None => {
            annotations.insert(CREATED.to_owned(), rfc3339(now));
            Ok(annotations)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::oci::descriptor::TITLE;
    use crate::oci::digest::Digest;
    use crate::store::memory::MemoryStore;

    fn hello() -> Descriptor {
        let mut layer = Descriptor::of(MediaType::LAYER, b"hello world\n");
        layer
            .annotations
            .insert(TITLE.to_owned(), "hello.txt".to_owned());
        layer
    }

    fn created() -> Annotations {
        Annotations::from([(CREATED.to_owned(), "2000-01-01T00:00:00Z".to_owned())])
    }

    fn example() -> MediaType {
        "application/vnd.example+type".into()
    }

    fn options() -> PackOptions {
        PackOptions {
            annotations: created(),
            ..PackOptions::default()
        }
    }

    /// Size and digest of the golden examples in the content model.
    #[test]
    #[expect(clippy::too_many_lines, reason = "it is a table")]
    fn golden_examples_are_packed_byte_for_byte() {
        let g2_subject = Descriptor::new(
            MediaType::IMAGE_MANIFEST,
            "sha256:0c7892b25f47b6c5109a00befdcd3b5616ed397d9677180e3f2e20b7cb92b5a9"
                .parse()
                .unwrap(),
            581,
        );
        let mut directory = Descriptor::new(
            MediaType::LAYER_GZIP,
            "sha256:e63105980e31ab61220b77081b0c001a37cd45c1881cb4b66c58ee5048e5c895"
                .parse()
                .unwrap(),
            208,
        );
        directory.annotations = Annotations::from(
            [
                (
                    "io.deis.oras.content.digest",
                    "sha256:f647bb6799f149e46cb46995ce5561811cec6d197fa378ac6399ed86180fa2ad",
                ),
                ("io.deis.oras.content.unpack", "true"),
                (TITLE, "d"),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned())),
        );
        let mut odd = created();
        for (key, value) in [
            ("k<&>", "a<b>&\"c\"\\d"),
            ("Zed", "é"),
            ("ctl", "x\ty\u{2028}z"),
        ] {
            odd.insert(key.to_owned(), value.to_owned());
        }
        let (v7, v7_bytes) = platform_config(&"linux/arm/v7".parse().unwrap());
        assert_eq!(
            v7_bytes,
            br#"{"architecture":"arm","os":"linux","variant":"v7"}"#
        );
        let me = Descriptor::of("application/vnd.me.config".into(), br#"{"k":"v"}"#);

        for (name, options, size, digest) in [
            (
                "G1",
                PackOptions {
                    artifact_type: Some(MediaType::UNKNOWN_ARTIFACT),
                    ..options()
                },
                535,
                "b93f443e51f8a260b9e12750a53ae5e2a8ab74ef960bb74ed6bec68f05ed7db2",
            ),
            (
                "G2",
                PackOptions {
                    artifact_type: Some(example()),
                    layers: vec![hello()],
                    ..options()
                },
                581,
                "0c7892b25f47b6c5109a00befdcd3b5616ed397d9677180e3f2e20b7cb92b5a9",
            ),
            (
                "G3",
                PackOptions {
                    artifact_type: Some(example()),
                    layers: vec![directory],
                    ..options()
                },
                720,
                "f310850f5e928d5655b2999117878b48c56987bfb245fa774d249beaea41d033",
            ),
            (
                "G4",
                PackOptions {
                    artifact_type: Some(example()),
                    layers: vec![hello()],
                    annotations: odd,
                    ..options()
                },
                665,
                "4e691ea44c2afb894ec61b6b521113be46b75ebbd0c07db91fb1517c51903bb0",
            ),
            (
                "G5a",
                PackOptions {
                    artifact_type: Some("sig/example".into()),
                    subject: Some(g2_subject),
                    ..options()
                },
                674,
                "25c7e3539deafd637cf448d0aedc1ac4824a49764833429c818025f69f0f3c12",
            ),
            (
                "G6a",
                PackOptions {
                    image_spec: ImageSpec::V1_0,
                    layers: vec![hello()],
                    ..options()
                },
                526,
                "aebbf9eee09fedfc54a0791335c09044ca76daa3393e666ab2682c4960a668dd",
            ),
            (
                "G6b",
                PackOptions {
                    image_spec: ImageSpec::V1_0,
                    ..options()
                },
                318,
                "341e6a953901c58809f4334f89529982d5cab9e584cacfd188153bf994cccb5b",
            ),
            (
                "G7",
                PackOptions {
                    artifact_type: Some(example()),
                    layers: vec![hello()],
                    config: Some(v7),
                    ..options()
                },
                575,
                "1ab80cbf7a5beb05bb5e1572e7eadee20ca675bbb696525d4aa9dd1e2466a2d8",
            ),
            (
                "G8 v1.1",
                PackOptions {
                    artifact_type: Some(example()),
                    layers: vec![hello()],
                    config: Some(me.clone()),
                    ..options()
                },
                559,
                "d9b8169f653b11fffae7ea454850f3d53bce738e52016be8e997d7fb64af3225",
            ),
            (
                "G8 v1.0",
                PackOptions {
                    image_spec: ImageSpec::V1_0,
                    layers: vec![hello()],
                    config: Some(me),
                    ..options()
                },
                513,
                "6011c1748e7d1e6672684411ae100479d5656c7a59508d9425317dde5452bd17",
            ),
        ] {
            let packed = pack(&MemoryStore::new(), options, UNIX_EPOCH).unwrap();
            assert_eq!(
                (packed.bytes().len(), packed.descriptor().digest.encoded()),
                (size, digest),
                "{name}"
            );
            assert_eq!(Digest::of(packed.bytes()), packed.descriptor().digest);
        }
    }

    #[test]
    fn creation_time_is_added_to_the_annotations() {
        let options = PackOptions {
            artifact_type: Some(example()),
            ..PackOptions::default()
        };
        let packed = pack(
            &MemoryStore::new(),
            options,
            UNIX_EPOCH + Duration::from_secs(946_684_800),
        )
        .unwrap();
        assert_eq!(packed.descriptor().annotations, created());
    }

    #[test]
    fn invalid_options_are_refused() {
        let bad_time = Annotations::from([(CREATED.to_owned(), "yesterday".to_owned())]);
        let untyped = Descriptor::of("nonsense".into(), b"{}");
        for (options, wanted) in [
            (options(), "missing artifact type"),
            (
                PackOptions {
                    config: Some(Descriptor::empty()),
                    ..options()
                },
                "missing artifact type",
            ),
            (
                PackOptions {
                    artifact_type: Some("x".into()),
                    ..options()
                },
                "invalid artifactType format: x: invalid media type",
            ),
            (
                PackOptions {
                    artifact_type: Some(example()),
                    config: Some(untyped),
                    ..options()
                },
                "invalid config mediaType format: nonsense: invalid media type",
            ),
            (
                PackOptions {
                    image_spec: ImageSpec::V1_0,
                    artifact_type: Some("x".into()),
                    ..options()
                },
                "invalid config mediaType format: x: invalid media type",
            ),
            (
                PackOptions {
                    image_spec: ImageSpec::V1_0,
                    subject: Some(Descriptor::empty()),
                    ..options()
                },
                "a subject in a manifest of image spec v1.0: unsupported",
            ),
            (
                PackOptions {
                    artifact_type: Some(example()),
                    annotations: bad_time,
                    ..options()
                },
                "invalid date and time format: parsing time \"yesterday\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"yesterday\" as \"2006\"",
            ),
        ] {
            assert_eq!(
                pack(&MemoryStore::new(), options, UNIX_EPOCH)
                    .unwrap_err()
                    .to_string(),
                wanted
            );
        }
    }
}
