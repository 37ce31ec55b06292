//! Migration from ORAS Python: every public call of `oras` 0.2 with its equivalent.
//!
//! ```
//! use oras::credentials::Memory;
//! use oras::push::{PushFile, PushOptions, push};
//! use oras::pull::{PullOptions, pull};
//! use oras::registry::Client;
//! use oras::Credential;
//!
//! # fn program() -> oras::Result<()> {
//! // client = oras.client.OrasClient()
//! // client.login(hostname="registry.example", username="me", password="secret")
//! let credentials =
//!     Memory::new().with("registry.example", Credential::password("me", "secret"));
//! let client = Client::builder().credentials(credentials).build();
//! let (repository, tag) = client.open("registry.example/hello:v1")?;
//!
//! // client.push(target="registry.example/hello:v1", files=["hello.txt"])
//! let mut options = PushOptions::default();
//! options.artifact_type = Some("application/vnd.example".into());
//! options.files = vec![PushFile::from("hello.txt")];
//! push(&repository, Some(tag.as_str()), options)?;
//!
//! // client.pull(target="registry.example/hello:v1", outdir="out")
//! let mut options = PullOptions::default();
//! options.output = "out".into();
//! let pulled = pull(&repository, tag.as_str(), options)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Differences
//!
//! - A push needs an artifact type, or a config with a media type. ORAS Python writes the config
//!   type `application/vnd.unknown.config.v1+json`; version 1.0 of the image spec does so here too:
//!   [`ImageSpec::V1_0`](crate::pack::ImageSpec::V1_0).
//! - Content is verified, always. There is no `validation_schema`, because a manifest is validated
//!   when it is [viewed](crate::RawManifest::view).
//! - Errors are values, see [`Error`](crate::Error). Nothing is printed; see
//!   [`progress`](crate::progress).
//! - Credentials are looked up after a challenge of the registry, and are sent to the registry and
//!   its token service only. There is no `auth_backend` to choose.
//! - Retries are a [setting](crate::http::RetryPolicy) of the client, not a decorator.
//!
//! # `oras.client.OrasClient`, `oras.provider.Registry`
//!
//! | ORAS Python | here |
//! |---|---|
//! | `OrasClient(hostname)`, `Registry(hostname)` | [`Client::new`], [`Client::builder`]; a client serves all registries |
//! | `insecure=True` | [`ClientBuilder::plain_http`] |
//! | `tls_verify=False` | [`UreqTransportBuilder::insecure`] |
//! | `tls_verify="ca.pem"` | [`UreqTransportBuilder::authorities`] |
//! | `auth_backend` | not needed: the challenge decides. ECR: [`Lookup`] with its helper program |
//! | `login(username, password)` | [`ClientBuilder::credentials`] with [`Memory`], and [`Client::check`] |
//! | `login(config_path)` | [`ConfigFile::store`], [`Lookup::store`] |
//! | `logout(hostname)` | [`ConfigFile::erase`], [`Lookup::erase`] |
//! | `set_header(name, value)` | [`ClientBuilder::header`] |
//! | `set_token_auth(token)` | [`Credential::RegistryToken`] |
//! | `set_basic_auth(username, password)` | [`Credential::password`] with [`Fixed`] |
//! | `load_configs()` | [`Lookup`], [`ConfigFile`] |
//! | `version()` | [`VERSION`](crate::VERSION) |
//! | `push(target, files)` | [`push`](crate::push::push) |
//! | `push(disable_path_validation=True)` | [`PushOptions::allow_path_traversal`] |
//! | `push(manifest_config)` | [`PushOptions::config`] |
//! | `push(annotation_file)` | [`AnnotationFile`](crate::AnnotationFile) |
//! | `push(manifest_annotations)` | [`PushOptions::annotations`] |
//! | `push(subject)` | [`attach`](crate::attach::attach), [`PackOptions::subject`] |
//! | `push(do_chunked, chunk_size)` | automatic; [`ClientBuilder::upload_chunk_bytes`] |
//! | `pull(target, outdir)` | [`pull`](crate::pull::pull), [`PullOptions::output`] |
//! | `pull(allowed_media_type)` | [`PullOptions::filter`], [`ClientBuilder::accept_manifests`] |
//! | `pull(overwrite=False)` | [`PullOptions::keep_old_files`] |
//! | `get_manifest(container)` | [`Source::fetch_manifest_by_reference`], [`RawManifest::view`] |
//! | `upload_manifest(manifest, container)` | [`push_manifest`](crate::push::push_manifest), [`Target::push_reference`] |
//! | `get_tags(container, N)` | [`Repository::list_tags`] |
//! | `delete_tag(container, tag)`, `delete_tags` | [`Delete::untag`]; [`Delete::delete`] deletes a manifest with its tags |
//! | `get_blob(container, digest)` | [`Source::fetch`], [`Repository::read_unverified_range`] |
//! | `get_blob(head=True)`, `blob_exists` | [`Source::exists`] |
//! | `download_blob(container, digest, outfile)` | [`Source::fetch`] and [`VerifyReader::copy_to`], [`OutputDir::create_file`] |
//! | `upload_blob(blob, container, layer)` | [`push_blob`](crate::push::push_blob), [`Target::push`] |
//! | `put_upload`, `chunked_upload` | [`Target::push`], [`Target::push_stream`]; the client chooses |
//! | `get_container(name)` | [`Client::open`], [`Client::repository`], [`Reference`](crate::Reference) |
//! | `do_request(url, method)` | no equivalent for registries' own endpoints; [`Transport`] sends any request, without credentials |
//! | `decorator.retry` | [`RetryPolicy`] |
//! | `decorator.ensure_container` | not needed |
//!
//! # `oras.container`, `oras.oci`
//!
//! | ORAS Python | here |
//! |---|---|
//! | `Container(name)`, `.parse(name)`, `.uri` | [`Reference`](crate::Reference), with [`Reference::normalized`](crate::Reference::normalized) for short names |
//! | `.registry`, `.api_prefix`, `.tag`, `.digest` | [`Reference`](crate::Reference)`::registry`, `repository`, `tag`, `digest` |
//! | `.manifest_url()`, `.get_blob_url()`, … | not needed |
//! | `Annotations(filename)`, `.load(filename)` | [`AnnotationFile::parse`] |
//! | `.add(section, key, value)` | [`Annotations::insert`] |
//! | `.get_annotations(section)` | [`AnnotationFile::for_file`], and the fields of [`AnnotationFile`] |
//! | `Layer(blob_path, media_type)`, `NewLayer` | [`PushFile`](crate::push::PushFile), [`FileContent::describe`], [`Descriptor::of`] |
//! | `ManifestConfig(path, media_type)` | [`PushOptions::config`], [`Descriptor::empty`] |
//! | `NewManifest()` | [`pack`](crate::pack::pack), [`RawManifest::edit`] |
//! | `Subject.from_manifest(manifest)` | [`RawManifest::descriptor`] |
//!
//! # `oras.layout`
//!
//! | ORAS Python | here |
//! |---|---|
//! | `NewLayout(path)`, `Layout(path)` | [`LayoutStore::open`], [`LayoutStore::create_or_open`] |
//! | `NewLayoutFromRegistry(…)`, `pull_from_registry(provider, target, tag)` | [`copy`](crate::copy::copy) from a repository to a layout |
//! | `push_to_registry(provider, target, tag)` | [`copy`](crate::copy::copy) from a layout to a repository |
//! | `validate()`, `is_oci_layout(path)` | [`LayoutStore::open`] |
//! | `get_ordered_blobs(tag)` | [`RawManifest::successors`], [`copy_graph`](crate::copy::copy_graph) |
//! | `digest_to_blob_path(digest)` | [`Source::fetch`] |
//! | `blob_exists(digest)` | [`Source::exists`] |
//!
//! # `oras.utils`, `oras.auth`, `oras.logger`
//!
//! | ORAS Python | here |
//! |---|---|
//! | `make_targz`, `extract_targz` | directories are packed by `push` and unpacked by `pull` |
//! | `get_file_hash`, `get_size` | [`FileContent::describe`], [`Digest`](crate::Digest) |
//! | `split_path_and_content` | [`PushFile::media_type`](crate::push::PushFile::media_type) |
//! | `sanitize_path`, `is_within_directory` | [`OutputDir`] |
//! | `find_docker_config` | [`Locations`] |
//! | `AuthBackend`, `BasicAuth`, `TokenAuth`, `EcrAuth`, `get_auth_backend` | [`CredentialStore`] is the trait to implement; the client does the rest |
//! | `get_basic_auth`, `parse_auth_header`, `load_configs` | not needed |
//! | `temporary_empty_config` | [`Client::new`] has no credentials |
//! | `DockerClient.login` | [`Lookup::store`] |
//! | `setup_logger`, `logger` | [`Observer`](crate::progress::Observer), [`ClientBuilder::on_warning`], [`Traced`](crate::http::Traced) |
//! | `workdir`, `mkdir_p`, `read_file`, `write_json`, `print_json`, … | `std::fs`, `serde_json` |
//!
//! [`Client::new`]: crate::registry::Client::new
//! [`Client::builder`]: crate::registry::Client::builder
//! [`Client::check`]: crate::registry::Client::check
//! [`Client::open`]: crate::registry::Client::open
//! [`Client::repository`]: crate::registry::Client::repository
//! [`ClientBuilder::plain_http`]: crate::registry::ClientBuilder::plain_http
//! [`ClientBuilder::credentials`]: crate::registry::ClientBuilder::credentials
//! [`ClientBuilder::header`]: crate::registry::ClientBuilder::header
//! [`ClientBuilder::upload_chunk_bytes`]: crate::registry::ClientBuilder::upload_chunk_bytes
//! [`ClientBuilder::accept_manifests`]: crate::registry::ClientBuilder::accept_manifests
//! [`ClientBuilder::on_warning`]: crate::registry::ClientBuilder::on_warning
//! [`UreqTransportBuilder::insecure`]: crate::http::UreqTransportBuilder::insecure
//! [`UreqTransportBuilder::authorities`]: crate::http::UreqTransportBuilder::authorities
//! [`Transport`]: crate::http::Transport
//! [`RetryPolicy`]: crate::http::RetryPolicy
//! [`Memory`]: crate::credentials::Memory
//! [`Fixed`]: crate::credentials::Fixed
//! [`Lookup`]: crate::credentials::Lookup
//! [`Lookup::store`]: crate::credentials::Lookup::store
//! [`Lookup::erase`]: crate::credentials::Lookup::erase
//! [`Locations`]: crate::credentials::Locations
//! [`ConfigFile`]: crate::credentials::ConfigFile
//! [`ConfigFile::store`]: crate::credentials::ConfigFile::store
//! [`ConfigFile::erase`]: crate::credentials::ConfigFile::erase
//! [`CredentialStore`]: crate::credentials::CredentialStore
//! [`Credential::RegistryToken`]: crate::Credential::RegistryToken
//! [`Credential::password`]: crate::Credential::password
//! [`PushOptions::allow_path_traversal`]: crate::push::PushOptions::allow_path_traversal
//! [`PushOptions::config`]: crate::push::PushOptions::config
//! [`PushOptions::annotations`]: crate::push::PushOptions::annotations
//! [`PackOptions::subject`]: crate::pack::PackOptions::subject
//! [`PullOptions::output`]: crate::pull::PullOptions::output
//! [`PullOptions::filter`]: crate::pull::PullOptions::filter
//! [`PullOptions::keep_old_files`]: crate::pull::PullOptions::keep_old_files
//! [`Source::fetch_manifest_by_reference`]: crate::store::Source::fetch_manifest_by_reference
//! [`Source::fetch`]: crate::store::Source::fetch
//! [`Source::exists`]: crate::store::Source::exists
//! [`Target::push`]: crate::store::Target::push
//! [`Target::push_stream`]: crate::store::Target::push_stream
//! [`Target::push_reference`]: crate::store::Target::push_reference
//! [`Delete::untag`]: crate::store::Delete::untag
//! [`Delete::delete`]: crate::store::Delete::delete
//! [`Repository::list_tags`]: crate::registry::Repository::list_tags
//! [`Repository::read_unverified_range`]: crate::registry::Repository::read_unverified_range
//! [`VerifyReader::copy_to`]: crate::store::content::VerifyReader::copy_to
//! [`FileContent::describe`]: crate::store::content::FileContent::describe
//! [`OutputDir`]: crate::output_dir::OutputDir
//! [`OutputDir::create_file`]: crate::output_dir::OutputDir::create_file
//! [`RawManifest::view`]: crate::RawManifest::view
//! [`RawManifest::edit`]: crate::RawManifest::edit
//! [`RawManifest::descriptor`]: crate::RawManifest::descriptor
//! [`RawManifest::successors`]: crate::RawManifest::successors
//! [`AnnotationFile`]: crate::AnnotationFile
//! [`AnnotationFile::parse`]: crate::AnnotationFile::parse
//! [`AnnotationFile::for_file`]: crate::AnnotationFile::for_file
//! [`Annotations::insert`]: crate::Annotations::insert
//! [`Descriptor::of`]: crate::Descriptor::of
//! [`Descriptor::empty`]: crate::Descriptor::empty
//! [`LayoutStore::open`]: crate::layout::LayoutStore::open
//! [`LayoutStore::create_or_open`]: crate::layout::LayoutStore::create_or_open
