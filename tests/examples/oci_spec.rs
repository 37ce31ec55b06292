//! Pushes a tar archive as a container image of one layer, and prints the config of an image. The
//! types of image configs are those of the crate `oci-spec`.
//!
//! ```text
//! cargo run --example oci_spec -- push localhost:5000/hello:v1 rootfs.tar /bin/hello
//! cargo run --example oci_spec -- config localhost:5000/hello:v1
//! ```

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, Write as _};

use oci_spec::image::{
    Arch, ConfigBuilder, ImageConfiguration, ImageConfigurationBuilder, Os, RootFsBuilder,
};
use oras::graph::resolve_config;
use oras::push::{PushFile, PushOptions, PushStream, push};
use oras::registry::Client;
use oras::store::{Source, Target};
use oras::{Descriptor, Digest, MediaType, Platform};

const MAX_MANIFEST_BYTES: u64 = 4 * 1024 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [verb, reference, arguments @ ..] = arguments.as_slice() else {
        return Err("usage: oci_spec push|config <registry/repository:tag> …".into());
    };
    let (repository, tag) = Client::new().open(reference)?;
    match (verb.as_str(), arguments) {
        ("push", [rootfs, command @ ..]) => {
            push_image(&repository, &tag, &fs::read(rootfs)?, command)?;
        }
        ("config", []) => {
            let config = image_config(&repository, &tag, &Platform::native())?;
            writeln!(io::stdout(), "{}", config.to_string_pretty()?)?;
        }
        _ => return Err("push needs a tar archive and a command, and config nothing".into()),
    }
    Ok(())
}

/// Pushes a tar archive as an image for Linux on amd64 that runs `command`.
fn push_image(
    target: &dyn Target,
    tag: &str,
    rootfs: &[u8],
    command: &[String],
) -> Result<Descriptor, Box<dyn Error>> {
    let diff_id = Digest::of(rootfs).to_string();
    let config = ImageConfigurationBuilder::default()
        .os(Os::Linux)
        .architecture(Arch::Amd64)
        .config(ConfigBuilder::default().entrypoint(command).build()?)
        .rootfs(RootFsBuilder::default().diff_ids([diff_id]).build()?)
        .build()?;
    let mut config = PushFile::bytes("", config.to_string()?);
    config.media_type = Some(MediaType::IMAGE_CONFIG);

    let mut options = PushOptions::default();
    options.config = Some(config);
    // Without a title: the layer of an image is not a file.
    options.streams.push(PushStream::new("", rootfs));
    Ok(push(target, Some(tag), options)?.descriptor().clone())
}

/// Returns the config of an image, or of the image for `platform` in an index.
fn image_config(
    source: &dyn Source,
    tag: &str,
    platform: &Platform,
) -> Result<ImageConfiguration, Box<dyn Error>> {
    let config = resolve_config(source, tag, Some(platform), MAX_MANIFEST_BYTES)?;
    let json = source.fetch(&config)?.read_all(MAX_MANIFEST_BYTES)?;
    Ok(ImageConfiguration::from_reader(&json[..])?)
}

#[cfg(test)]
mod tests {
    use oci_spec::image::ImageManifest;
    use oras::store::memory::MemoryStore;

    use super::*;

    #[test]
    fn the_config_of_an_image_comes_back() {
        let store = MemoryStore::new();
        let command = ["/bin/hello".to_owned()];
        let image = push_image(&store, "v1", b"tar", &command).unwrap();

        let mut platform = Platform::native();
        (platform.os, platform.architecture) = ("linux".to_owned(), "amd64".to_owned());
        let config = image_config(&store, "v1", &platform).unwrap();
        let config = config.config().as_ref().unwrap();
        assert_eq!(config.entrypoint().as_deref(), Some(&command[..]));

        let manifest = store.fetch_manifest(&image, MAX_MANIFEST_BYTES).unwrap();
        let manifest = ImageManifest::from_reader(manifest.bytes()).unwrap();
        assert_eq!(
            manifest.layers()[0].digest().to_string(),
            Digest::of(b"tar").to_string()
        );
    }
}
