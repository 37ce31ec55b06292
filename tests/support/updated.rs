//! Values of structs to which the library can add fields.

/// A struct with the fields of another value, except those that are listed. It looks like the
/// struct expression that a `non_exhaustive` struct does not allow.
macro_rules! updated {
    ($type:path { $($field:ident $(: $value:expr)?,)* ..$base:expr }) => {{
        let mut updated: $type = $base;
        $(updated.$field = updated!(@ $field $($value)?);)*
        updated
    }};
    (@ $field:ident $value:expr) => { $value };
    (@ $field:ident) => { $field };
}
