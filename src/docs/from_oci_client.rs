//! Migration from oci-client: every public call of `oci-client` 0.18 with its equivalent.
//!
//! ```
//! use oras::registry::Client;
//! use oras::store::Source;
//!
//! # fn program() -> oras::Result<()> {
//! // let client = oci_client::Client::new(ClientConfig::default());
//! let client = Client::new();
//!
//! // let reference = "registry.example/hello:v1".parse()?;
//! // let (manifest, digest) = client.pull_manifest(&reference, &RegistryAuth::Anonymous).await?;
//! let (repository, tag) = client.open("registry.example/hello:v1")?;
//! let manifest = repository.fetch_manifest_by_reference(tag.as_str(), 4 * 1024 * 1024)?;
//! let digest = &manifest.descriptor().digest;
//!
//! // client.pull_blob(&reference, &layer, &mut file).await?;
//! for layer in manifest.successors()? {
//!     repository.fetch(&layer)?.copy_to(&mut std::io::sink(), "sink")?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Differences
//!
//! - Calls block, and need no runtime. In an async program they run in `spawn_blocking`, see
//!   [`Client`].
//! - Credentials belong to the client, not to each call.
//! - Blobs are named by descriptors, whose size and digest are verified.
//! - Manifests keep their bytes, so that a manifest can be copied, and
//!   [edited](crate::RawManifest::edit), without changing what it does not know.
//! - The stores are interchangeable: each verb works on repositories, layouts and memory.
//!
//! # `Client`
//!
//! | oci-client | here |
//! |---|---|
//! | `Client::new(config)`, `from_source`, `TryFrom<ClientConfig>` | [`Client::builder`] |
//! | `auth(image, auth, operation)` | [`Client::check`]; tokens are requested when they are needed. [`Repository::with_push_scope`] requests push access with the first one |
//! | `store_auth_if_needed(registry, auth)` | [`ClientBuilder::credentials`] |
//! | `pull(image, auth, media_types)` | [`pull`](crate::pull::pull) into files, [`list`](crate::pull::list) and [`Source::fetch`] into memory, [`copy`](crate::copy::copy) into a store |
//! | `push(image, layers, config, auth, manifest)` | [`push`](crate::push::push), or [`push_blob`](crate::push::push_blob) and [`pack`](crate::pack::pack) |
//! | `pull_manifest`, `pull_image_manifest` | [`Source::fetch_manifest_by_reference`] and [`RawManifest::view`]; of one platform: [`fetch_manifest`](crate::graph::fetch_manifest) |
//! | `pull_image_manifest_and_list_digest` | [`graph::resolve`](crate::graph::resolve) after [`Source::resolve`] |
//! | `pull_manifest_and_config`, `…_and_list_digest` | [`graph::resolve_config`](crate::graph::resolve_config) and [`Source::fetch`] |
//! | `pull_manifest_raw` | [`Source::fetch_manifest_by_reference`], [`RawManifest::bytes`] |
//! | `fetch_manifest_digest` | [`Source::resolve`] |
//! | `push_manifest`, `push_manifest_raw` | [`push_manifest`](crate::push::push_manifest), [`Target::push_reference`] |
//! | `push_manifest_list` | [`index::create`](crate::index::create) and [`index::push`](crate::index::push) |
//! | `pull_blob` | [`Source::fetch`], [`VerifyReader::copy_to`] |
//! | `pull_blob_stream` | [`Source::fetch`]: the reader is the stream |
//! | `pull_blob_stream_partial` | [`Repository::read_unverified_range`], [`SeekableBlob`] |
//! | `blob_exists` | [`Source::exists`] |
//! | `push_blob` | [`push_blob`](crate::push::push_blob), [`Target::push`] |
//! | `push_blob_stream` | [`Target::push`] with [`StreamContent`] |
//! | `push_blob_stream_chunked` | [`Target::push_stream`] |
//! | `mount_blob` | [`Target::mount`], [`CopyOptions::mount_from`] |
//! | `list_tags(image, auth, n, last)` | [`Repository::list_tags`] with [`TagQuery`] |
//! | `catalog(image, auth, n, last)` | [`Client::repositories`] |
//! | `pull_referrers(image, artifact_type)` | [`Referrers::referrers`], [`discover`](crate::discover::discover) |
//!
//! # `ClientConfig`
//!
//! | oci-client | here |
//! |---|---|
//! | `protocol`: `Http`, `Https`, `HttpsExcept` | [`ClientBuilder::plain_http`] |
//! | `accept_invalid_certificates`, `accept_invalid_hostnames` | [`UreqTransportBuilder::insecure`] |
//! | `extra_root_certificates` | [`UreqTransportBuilder::system_roots`] |
//! | `tls_certs_only` | [`UreqTransportBuilder::authorities`] |
//! | `https_proxy`, `http_proxy`, `no_proxy` | [`UreqTransportBuilder::proxies`], [`Proxies::from_variables`] |
//! | `read_timeout`, `connect_timeout` | [`ClientBuilder::timeouts`] with [`Timeouts`] |
//! | `user_agent` | [`ClientBuilder::user_agent`] |
//! | `platform_resolver`, `linux_amd64_resolver`, … | `platform` of [`PullOptions`](crate::pull::PullOptions) and [`CopyOptions`](crate::copy::CopyOptions), [`select_platform`](crate::graph::select_platform) |
//! | `max_concurrent_upload`, `max_concurrent_download` | the library starts no thread; a clone of the client serves each thread of the caller |
//! | `use_monolithic_push` | automatic; [`ClientBuilder::upload_chunk_bytes`] |
//! | `default_token_expiration_secs` | automatic |
//!
//! # Types
//!
//! | oci-client | here |
//! |---|---|
//! | `Reference` | [`Reference`](crate::Reference); Docker Hub short names with [`Reference::normalized`](crate::Reference::normalized) |
//! | `RegistryAuth::Anonymous`, `Basic`, `Bearer` | [`Anonymous`], [`Credential::password`], [`Credential::RegistryToken`] |
//! | `RegistryOperation`, `TokenCache` | internal |
//! | `OciManifest`, `OciImageManifest`, `OciImageIndex` | [`Manifest`](crate::Manifest), [`RawManifest`](crate::RawManifest) |
//! | `OciDescriptor`, `LayerDescriptor`, `ImageIndexEntry` | [`Descriptor`](crate::Descriptor) |
//! | `ImageLayer`, `Config`, `ImageData` | [`PushFile`](crate::push::PushFile) to push; [`VerifyReader`] to read |
//! | `Config::oci_v1_from_config_file`, `ConfigFile`, `Rootfs`, `History` | bytes; the crate `oci-spec` has the types of image configs |
//! | `Platform` | [`Platform`](crate::Platform) |
//! | `PushResponse`, `TagResponse`, `CatalogResponse` | [`RawManifest::descriptor`], and iterators of names |
//! | `BlobResponse`, `SizedStream` | [`VerifyReader`], which implements `Read` |
//! | `OciDistributionError` | [`Error`](crate::Error) |
//! | `OciEnvelope`, `OciError`, `OciErrorCode` | [`Error::registry_code`](crate::Error::registry_code) |
//! | `DigestError` | [`Error::Verification`](crate::Error::Verification) |
//! | `manifest::*_MEDIA_TYPE` | constants of [`MediaType`](crate::MediaType) |
//! | `annotations::*` | [`TITLE`](crate::descriptor::TITLE), [`CREATED`](crate::descriptor::CREATED), [`REF_NAME`](crate::descriptor::REF_NAME); any other string |
//!
//! [`Client`]: crate::registry::Client
//! [`Client::builder`]: crate::registry::Client::builder
//! [`Client::check`]: crate::registry::Client::check
//! [`Client::repositories`]: crate::registry::Client::repositories
//! [`ClientBuilder::credentials`]: crate::registry::ClientBuilder::credentials
//! [`ClientBuilder::plain_http`]: crate::registry::ClientBuilder::plain_http
//! [`ClientBuilder::timeouts`]: crate::registry::ClientBuilder::timeouts
//! [`ClientBuilder::user_agent`]: crate::registry::ClientBuilder::user_agent
//! [`ClientBuilder::upload_chunk_bytes`]: crate::registry::ClientBuilder::upload_chunk_bytes
//! [`UreqTransportBuilder::insecure`]: crate::http::UreqTransportBuilder::insecure
//! [`UreqTransportBuilder::authorities`]: crate::http::UreqTransportBuilder::authorities
//! [`UreqTransportBuilder::system_roots`]: crate::http::UreqTransportBuilder::system_roots
//! [`UreqTransportBuilder::proxies`]: crate::http::UreqTransportBuilder::proxies
//! [`Proxies::from_variables`]: crate::http::Proxies::from_variables
//! [`Timeouts`]: crate::http::Timeouts
//! [`Anonymous`]: crate::credentials::Anonymous
//! [`Credential::password`]: crate::Credential::password
//! [`Credential::RegistryToken`]: crate::Credential::RegistryToken
//! [`Source::fetch`]: crate::store::Source::fetch
//! [`Source::resolve`]: crate::store::Source::resolve
//! [`Source::exists`]: crate::store::Source::exists
//! [`Source::fetch_manifest_by_reference`]: crate::store::Source::fetch_manifest_by_reference
//! [`Target::push`]: crate::store::Target::push
//! [`Target::push_stream`]: crate::store::Target::push_stream
//! [`Target::push_reference`]: crate::store::Target::push_reference
//! [`Target::mount`]: crate::store::Target::mount
//! [`Referrers::referrers`]: crate::store::Referrers::referrers
//! [`SeekableBlob`]: crate::store::SeekableBlob
//! [`StreamContent`]: crate::store::content::StreamContent
//! [`VerifyReader`]: crate::store::content::VerifyReader
//! [`VerifyReader::copy_to`]: crate::store::content::VerifyReader::copy_to
//! [`CopyOptions::mount_from`]: crate::copy::CopyOptions::mount_from
//! [`Repository::list_tags`]: crate::registry::Repository::list_tags
//! [`Repository::read_unverified_range`]: crate::registry::Repository::read_unverified_range
//! [`Repository::with_push_scope`]: crate::registry::Repository::with_push_scope
//! [`TagQuery`]: crate::registry::TagQuery
//! [`RawManifest::view`]: crate::RawManifest::view
//! [`RawManifest::bytes`]: crate::RawManifest::bytes
//! [`RawManifest::descriptor`]: crate::RawManifest::descriptor
