//! `Content-Encoding` of responses (RFC 9110 §8.4). The client accepts none, but some proxies
//! compress everything.

use crate::http::Response;

/// Returns whether the body of a response is said to be encoded.
pub(super) fn is_encoded(response: &Response) -> bool {
    codings(response).next().is_some()
}

fn codings(response: &Response) -> impl Iterator<Item = String> {
    let values = response.headers.all("Content-Encoding");
    values
        .flat_map(|value| value.split(','))
        .map(|coding| coding.trim().to_ascii_lowercase())
        .filter(|coding| !coding.is_empty() && coding != "identity")
}

/// Undoes the encoding of a body. Its size is not known then.
///
/// # Errors
///
/// The reason why it cannot be decoded.
pub(super) fn decode(response: Response) -> Result<Response, String> {
    let codings: Vec<String> = codings(&response).collect();
    let coding = match &codings[..] {
        [] => return Ok(response),
        [one] => one.clone(),
        several => several.join(", "),
    };
    let unsupported = || format!("its content is encoded as \"{coding}\", which was not requested");
    #[cfg(feature = "archive")]
    {
        use flate2::read::{MultiGzDecoder, ZlibDecoder};

        let mut response = response;
        let body = response.body;
        response.body = match coding.as_str() {
            "gzip" | "x-gzip" => Box::new(MultiGzDecoder::new(body)),
            "deflate" => Box::new(ZlibDecoder::new(body)),
            _ => return Err(unsupported()),
        };
        response.headers.remove("Content-Encoding");
        response.headers.remove("Content-Length");
        Ok(response)
    }
    #[cfg(not(feature = "archive"))]
    {
        Err(unsupported() + " (feature \"archive\" is off)")
    }
}
