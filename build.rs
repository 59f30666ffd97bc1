//! Takes what `/docs` serves out of the archive in which Swagger UI comes.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "docs")]
    docs::unpack()?;
    Ok(())
}

#[cfg(feature = "docs")]
mod docs {
    use std::{collections::BTreeSet, env, error::Error, fs, path::Path};

    use rawzip::{CompressionMethod, ZipArchive};
    use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;

    /// Files of the archive, below its one folder.
    const FILES: [&str; 4] = [
        "dist/swagger-ui-bundle.js",
        "dist/swagger-ui.css",
        "LICENSE",
        "NOTICE",
    ];

    /// Writes each file into `OUT_DIR` as `NAME.gz`.
    pub(crate) fn unpack() -> Result<(), Box<dyn Error>> {
        let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
        let archive = ZipArchive::from_slice(SWAGGER_UI_VENDORED)?;
        let mut missing = BTreeSet::from(FILES);
        let mut entries = archive.entries();
        while let Some(entry) = entries.next_entry()? {
            let path = entry.file_path().try_normalize()?;
            let Some((_, path)) = path.as_ref().split_once('/') else {
                continue;
            };
            if !missing.remove(path) {
                continue;
            }
            let size = u32::try_from(entry.uncompressed_size_hint())?;
            let data = archive.get_entry(entry.wayfinder())?.data();
            let gzip = match entry.compression_method() {
                CompressionMethod::DEFLATE => gzip(&[data], entry.crc32(), size),
                CompressionMethod::STORE => {
                    // One block, the last, which is not compressed.
                    let length = u16::try_from(size)?;
                    let [low, high] = length.to_le_bytes();
                    gzip(&[&[1, low, high, !low, !high], data], entry.crc32(), size)
                }
                other => return Err(format!("{path} is compressed with {other:?}").into()),
            };
            let name = path.rsplit('/').next().unwrap_or(path);
            fs::write(Path::new(&out).join(format!("{name}.gz")), gzip)?;
        }
        if missing.is_empty() {
            Ok(())
        } else {
            Err(format!("not in the archive of Swagger UI: {missing:?}").into())
        }
    }

    /// RFC 1952, around bytes that are compressed as it wants them.
    fn gzip(deflated: &[&[u8]], crc32: u32, size: u32) -> Vec<u8> {
        let header: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
        [
            header,
            &deflated.concat(),
            &crc32.to_le_bytes(),
            &size.to_le_bytes(),
        ]
        .concat()
    }
}
