//! Enums with a text for each variant.

/// Declares an enum whose `Display` writes the text of the variant.
///
/// ```ignore
/// display_enum! {
///     pub enum Side {
///         Source => "source",
///         Destination => "destination",
///     }
/// }
/// ```
macro_rules! display_enum {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident {
            $($(#[$doc:meta])* $variant:ident => $text:literal,)*
        }
    ) => {
        $(#[$attribute])*
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $text,)*
                })
            }
        }
    };
}
pub(crate) use display_enum;
