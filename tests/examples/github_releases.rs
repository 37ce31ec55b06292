//! A custom provider: the releases of a GitHub repository as a store of artifacts. Each release is
//! an artifact with the tag of the release, and its assets are the layers.
//!
//! ```text
//! gh api repos/oras-project/oras/releases > releases.json
//! cargo run --example github_releases -- releases.json v1.3.0 layout
//! ```

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use oras::copy::{CopyOptions, copy};
use oras::descriptor::{CREATED, TITLE};
use oras::layout::LayoutStore;
use oras::pack::{PackOptions, pack};
use oras::store::content::{ContentReader, VerifyReader};
use oras::store::memory::MemoryStore;
use oras::store::{Source, Target};
use oras::{Descriptor, Digest, MediaType};
use serde::Deserialize;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [listing, tag, layout] = arguments.as_slice() else {
        return Err("usage: github_releases <releases.json> <tag> <layout>".into());
    };
    let releases = GitHubReleases::new(&fs::read(listing)?, download)?;
    let layout = LayoutStore::create_or_open(layout)?;
    copy(
        &releases,
        tag,
        &layout,
        Some(tag),
        &mut CopyOptions::default(),
    )?;
    Ok(())
}

/// Requests a URL with any HTTP client.
type Download = fn(&str) -> io::Result<ContentReader<'static>>;

fn download(url: &str) -> io::Result<ContentReader<'static>> {
    let curl = Command::new("curl")
        .args(["-fsSL", url])
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = curl
        .stdout
        .map(|stdout| Box::new(stdout) as Box<dyn Read + Send>);
    stdout.ok_or_else(|| io::Error::other("curl has no output"))
}

#[derive(Deserialize)]
struct Release {
    tag_name: String,
    published_at: String,
    assets: Vec<Asset>,
}

#[derive(Deserialize)]
struct Asset {
    name: String,
    size: u64,
    digest: Digest,
    browser_download_url: String,
}

/// The releases as a store. Manifests are generated and kept in memory; assets are downloaded when
/// they are read.
struct GitHubReleases {
    manifests: MemoryStore,
    urls: HashMap<Digest, String>,
    download: Download,
}

impl GitHubReleases {
    /// Reads a listing of releases, as GitHub's REST API returns it.
    fn new(listing: &[u8], download: Download) -> Result<Self, Box<dyn Error>> {
        let (manifests, mut urls) = (MemoryStore::new(), HashMap::new());
        for release in serde_json::from_slice::<Vec<Release>>(listing)? {
            let mut options = PackOptions::default();
            options.artifact_type = Some("application/vnd.github.release".into());
            options
                .annotations
                .insert(CREATED.to_owned(), release.published_at);
            for asset in release.assets {
                let mut layer =
                    Descriptor::new(MediaType::OCTET_STREAM, asset.digest.clone(), asset.size);
                layer.annotations.insert(TITLE.to_owned(), asset.name);
                options.layers.push(layer);
                urls.insert(asset.digest, asset.browser_download_url);
            }
            let manifest = pack(&manifests, options, SystemTime::UNIX_EPOCH)?;
            manifests.tag(manifest.descriptor(), &release.tag_name)?;
        }
        Ok(Self {
            manifests,
            urls,
            download,
        })
    }
}

impl Source for GitHubReleases {
    fn resolve(&self, reference: &str) -> oras::Result<Descriptor> {
        self.manifests.resolve(reference)
    }

    fn fetch(&self, target: &Descriptor) -> oras::Result<VerifyReader<'_>> {
        let Some(url) = self.urls.get(&target.digest) else {
            return self.manifests.fetch(target);
        };
        let asset = (self.download)(url).map_err(oras::Error::io(oras::error::IoOp::Read, url))?;
        Ok(VerifyReader::new(asset, target.clone()))
    }

    fn exists(&self, target: &Descriptor) -> oras::Result<bool> {
        Ok(self.urls.contains_key(&target.digest) || self.manifests.exists(target)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_copied_into_a_layout() {
        let listing = include_bytes!("../../fixtures/github-releases.json");
        let download: Download = |url| {
            let name = url.rsplit('/').next().unwrap_or_default();
            Ok(Box::new(io::Cursor::new(format!("content of {name}\n"))))
        };
        let releases = GitHubReleases::new(listing, download).unwrap();
        let path = env::current_exe().unwrap().with_extension("layout");
        let layout = LayoutStore::create_or_open(&path).unwrap();

        let root = copy(
            &releases,
            "v1.1.0",
            &layout,
            Some("v1.1.0"),
            &mut CopyOptions::default(),
        );

        assert_eq!(
            layout.resolve("v1.1.0").unwrap().digest,
            root.unwrap().digest
        );
        let manifest = layout.fetch_manifest_by_reference("v1.1.0", 4096).unwrap();
        let layers = manifest.view().unwrap().entries();
        let titles: Vec<_> = layers.iter().filter_map(Descriptor::title).collect();
        assert_eq!(titles, ["tool_linux_amd64.tar.gz", "checksums.txt"]);
        let checksums = layout.fetch(&layers[1]).unwrap().read_all(100).unwrap();
        assert_eq!(checksums, b"content of checksums.txt\n");
        fs::remove_dir_all(path).unwrap();
    }
}
