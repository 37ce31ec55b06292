//! The table of template functions: name, implementation and parameters; and the functions of sprig
//! that are not supported.

use std::sync::Arc;

use gotmpl::{Template, TemplateError, ToValue as _, Value};
use oras::Digest;
use oras::digest::Algorithm;

use super::args::{Function, IntoOutcome as _};
use super::functions::{
    dates, dicts, encoding, lists, math, paths, printf, printing, semver, strings, urls, words,
};
use super::runtime::Runtime;
use super::values;
use crate::cli::quote;

/// Makes all functions available to a template.
pub(super) fn register(mut template: Template, runtime: &Arc<Runtime>) -> Template {
    for function in TABLE {
        for name in function.names.split(' ') {
            let runtime = Arc::clone(runtime);
            template = template.func(name, move |values| {
                function
                    .call(name, values, &runtime)
                    .map_err(TemplateError::Exec)
            });
        }
    }
    template
}

fn contains(names: &str, name: &str) -> bool {
    names.split(' ').any(|known| known == name)
}

/// Returns whether a function of this name exists.
pub(super) fn is_defined(name: &str) -> bool {
    let mut functions = TABLE.iter();
    contains(ENGINE_FUNCTIONS, name) || functions.any(|function| contains(function.names, name))
}

/// The reason that a function of sprig is not supported.
pub(super) fn unsupported_reason(name: &str) -> Option<&'static str> {
    let row = UNSUPPORTED.iter().find(|(names, _)| contains(names, name));
    row.map(|(_, reason)| *reason)
}

/// Go's functions that the engine implements. Its `slice` is replaced by sprig's.
pub(super) const ENGINE_FUNCTIONS: &str = "and or not call index len eq ne lt le gt ge";

macro_rules! functions {
    ($($names:literal ($($parameter:ident: $kind:ident),*) => $body:expr;)*) => {
        /// All functions that the engine does not implement.
        pub(super) static TABLE: &[Function] = &[$(
            Function {
                names: $names,
                body: |args| {
                    $(let $parameter = args.$kind();)*
                    args.finish()?;
                    Ok($body.into_outcome())
                },
            },
        )*];
    };
}

functions! {
    // Go's own.
    "html" (args: values) => printing::html(args);
    "js" (args: values) => printing::js(args);
    "urlquery" (args: values) => printing::urlquery(args);
    "print" (args: values) => values::sprint(args);
    "println" (args: values) => printing::println(args);
    "printf" (format: text, args: values, rt: runtime) => printf::printf(format, args, rt);

    "hello" () => "Hello!";
    "fail" (message: text) => Err::<&str, _>(message.to_owned());
    "abbrev" (width: int, s: text) => strings::abbrev(0, width, s);
    "abbrevboth" (left: int, width: int, s: text) => strings::abbrevboth(left, width, s);
    "trunc" (count: int, s: text) => strings::trunc(count, s);
    "trim" (s: text) => s.trim();
    "trimAll trimall" (cutset: text, s: text) => s.trim_matches(|c| cutset.contains(c));
    "trimPrefix" (prefix: text, s: text) => s.strip_prefix(prefix).unwrap_or(s);
    "trimSuffix" (suffix: text, s: text) => s.strip_suffix(suffix).unwrap_or(s);
    "upper" (s: text) => strings::upper(s);
    "lower" (s: text) => strings::lower(s);
    "title" (s: text) => strings::title(s);
    "untitle" (s: text) => strings::untitle(s);
    "swapcase" (s: text) => strings::swapcase(s);
    "camelcase" (s: text) => words::camelcase(s);
    "snakecase" (s: text) => words::join(s, '_');
    "kebabcase" (s: text) => words::join(s, '-');
    "substr" (start: int, end: int, s: text) => strings::substr(start, end, s);
    "repeat" (count: int, s: text) => strings::repeat(count, s);
    "nospace" (s: text) => strings::nospace(s);
    "initials" (s: text) => strings::initials(s);
    "wrap" (width: int, s: text) => strings::wrap(s, width, "\n", false);
    "wrapWith" (width: int, newline: text, s: text) => strings::wrap_with(width, newline, s);
    "contains" (part: text, s: text) => s.contains(part);
    "hasPrefix" (prefix: text, s: text) => s.starts_with(prefix);
    "hasSuffix" (suffix: text, s: text) => s.ends_with(suffix);
    "quote" (args: values) => strings::join_with(args, quote::double);
    "squote" (args: values) => strings::join_with(args, |text| format!("'{text}'"));
    "cat" (args: values) => strings::join_with(args, str::to_owned);
    "indent" (spaces: int, s: text) => strings::indent(spaces, s);
    "nindent" (spaces: int, s: text) => strings::nindent(spaces, s);
    "replace" (old: text, new: text, s: text) => strings::replace(old, new, s);
    "plural" (one: text, many: text, count: int) => if count == 1 { one } else { many };
    "regexQuoteMeta" (s: text) => strings::regex_quote_meta(s);
    "toString" (value: value) => values::text(value);
    "toStrings" (list: value) => strings::to_strings(list);
    "join" (separator: text, list: value) => strings::join(separator, list);
    "split" (separator: text, s: text) => strings::splitn(separator, -1, s);
    "splitList" (separator: text, s: text) => strings::split(s, separator, usize::MAX);
    "splitn" (separator: text, most: int, s: text) => strings::splitn(separator, most, s);

    "atoi" (s: text) => s.parse().unwrap_or(0_i64);
    "int int64" (n: integer) => n;
    "float64" (n: number) => n;
    "toDecimal" (octal: value) => math::to_decimal(octal);
    "add1" (n: integer) => n.wrapping_add(1);
    "add" (terms: integers) => terms.reduce(i64::wrapping_add).unwrap_or(0);
    "sub" (a: integer, b: integer) => a.wrapping_sub(b);
    "mul" (first: integer, factors: integers) => factors.fold(first, i64::wrapping_mul);
    "div" (a: integer, b: integer) => math::divide(a, b, i64::wrapping_div);
    "mod" (a: integer, b: integer) => math::divide(a, b, i64::wrapping_rem);
    "add1f" (n: number) => math::addf(1.0, std::iter::once(n));
    "addf" (terms: numbers) => math::addf(0.0, terms);
    "subf" (first: number, terms: numbers) => math::subf(first, terms);
    "mulf" (first: number, factors: numbers) => math::mulf(first, factors);
    "divf" (first: number, divisors: numbers) => math::divf(first, divisors);
    "max biggest" (first: integer, others: integers) => others.fold(first, i64::max);
    "min" (first: integer, others: integers) => others.fold(first, i64::min);
    "maxf" (first: number, others: numbers) => others.fold(first, f64::max);
    "minf" (first: number, others: numbers) => others.fold(first, f64::min);
    "ceil" (n: number) => n.ceil();
    "floor" (n: number) => n.floor();
    "round" (n: number, places: int, threshold: floats) => math::round(n, places, threshold);
    "until" (end: int) => math::range(0, end, if end < 0 { -1 } else { 1 });
    "untilStep" (start: int, end: int, step: int) => math::range(start, end, step);
    "seq" (bounds: ints) => math::seq(bounds);

    "list tuple" (items: values) => items.to_vec();
    "append mustAppend push mustPush" (list: value, item: value) => lists::append(list, item);
    "prepend mustPrepend" (list: value, item: value) => lists::prepend(list, item);
    "concat" (args: values) => lists::concat(args);
    "first mustFirst" (list: value) => lists::first(list);
    "last mustLast" (list: value) => lists::last(list);
    "rest mustRest" (list: value) => lists::rest(list);
    "initial mustInitial" (list: value) => lists::initial(list);
    "reverse mustReverse" (list: value) => lists::reverse(list);
    "compact mustCompact" (list: value) => lists::compact(list);
    "uniq mustUniq" (list: value, rt: runtime) => lists::uniq(list, rt);
    "without mustWithout" (list: value, omitted: values, rt: runtime) =>
        lists::without(list, omitted, rt);
    "has mustHas" (item: value, list: value, rt: runtime) => lists::has(item, list, rt);
    "slice mustSlice" (list: value, bounds: values) => lists::slice(list, bounds);
    "chunk mustChunk" (size: int, list: value) => lists::chunk(size, list);
    "sortAlpha" (list: value) => lists::sort_alpha(list);

    "dict" (pairs: values) => dicts::dict(pairs);
    "get" (dict: dict, key: text) => dict.get(key).cloned().unwrap_or_else(|| "".to_value());
    "set" (dict: any_dict, key: text, value: value) => dicts::set(dict, key, value);
    "unset" (dict: dict, key: text) => dicts::select(dict, |member| member != key);
    "hasKey" (dict: dict, key: text) => dict.contains_key(key);
    "keys" (dicts: dicts) => dicts::keys(dicts);
    "values" (dict: dict) => dict.values().cloned().collect::<Vec<_>>();
    "pluck" (key: text, dicts: dicts) => dicts::pluck(key, dicts);
    "pick" (dict: dict, keys: texts) => dicts::select(dict, |key| dicts::contains(keys, key));
    "omit" (dict: dict, keys: texts) => dicts::select(dict, |key| !dicts::contains(keys, key));
    "dig" (args: values) => dicts::dig(args);
    "merge mustMerge" (dict: dict, sources: dicts) => dicts::merge(dict, sources, false);
    "mergeOverwrite mustMergeOverwrite" (dict: dict, sources: dicts) =>
        dicts::merge(dict, sources, true);

    "default" (default: value, args: values) =>
        args.first().filter(|value| value.is_truthy()).unwrap_or(default);
    "empty" (value: value) => !value.is_truthy();
    "coalesce" (args: values) => args.iter().find(|v| v.is_truthy()).unwrap_or(&Value::Nil);
    "all" (args: values) => args.iter().all(Value::is_truthy);
    "any" (args: values) => args.iter().any(Value::is_truthy);
    "ternary" (yes: value, no: value, condition: bool) => if condition { yes } else { no };
    "typeOf" (value: value) => values::type_name(value);
    "typeIs" (name: text, value: value) => values::type_name(value) == name;
    "typeIsLike" (name: text, value: value) => values::has_type_like(value, name);
    "kindOf" (value: value) => values::kind(value);
    "kindIs" (name: text, value: value) => values::kind(value) == name;
    "deepEqual" (one: value, other: value, rt: runtime) => values::deep_equal(one, other, rt);
    "deepCopy mustDeepCopy" (value: value) => value;
    "env" (name: text, rt: runtime) => rt.variable(name);
    "expandenv" (s: text, rt: runtime) => strings::expandenv(s, rt);

    "fromJson" (s: text) => encoding::from_json(s).unwrap_or(Value::Nil);
    "mustFromJson" (s: text) => encoding::from_json(s);
    "toJson" (value: value) => encoding::to_json(value).unwrap_or_default();
    "mustToJson" (value: value) => encoding::to_json(value);
    "toPrettyJson" (value: value) => encoding::to_pretty_json(value).unwrap_or_default();
    "mustToPrettyJson" (value: value) => encoding::to_pretty_json(value);
    "toRawJson mustToRawJson" (value: value) => encoding::to_raw_json(value);
    "b64enc" (s: text) => encoding::b64enc(s);
    "b64dec" (s: text) => encoding::b64dec(s);
    "b32enc" (s: text) => encoding::b32enc(s);
    "b32dec" (s: text) => encoding::b32dec(s);
    "sha256sum" (s: text) => Digest::with(Algorithm::Sha256, s.as_bytes()).encoded();
    "sha512sum" (s: text) => Digest::with(Algorithm::Sha512, s.as_bytes()).encoded();
    "adler32sum" (s: text) => encoding::adler32sum(s);

    "now" (rt: runtime) => dates::now(rt);
    "ago" (time: value, rt: runtime) => dates::ago(time, rt);
    "date" (layout: text, time: value, rt: runtime) => dates::date(layout, time, rt);
    "dateInZone date_in_zone" (layout: text, time: value, zone: text, rt: runtime) =>
        dates::date_in_zone(layout, time, zone, rt);
    "htmlDate" (time: value, rt: runtime) => dates::date(dates::HTML, time, rt);
    "htmlDateInZone" (time: value, zone: text, rt: runtime) =>
        dates::date_in_zone(dates::HTML, time, zone, rt);
    "dateModify date_modify" (duration: text, time: time) =>
        dates::modify(duration, time).unwrap_or_else(|_| time.clone());
    "mustDateModify must_date_modify" (duration: text, time: time) =>
        dates::modify(duration, time);
    "toDate" (layout: text, s: text) =>
        dates::parse(layout, s).unwrap_or_else(|_| dates::zero());
    "mustToDate" (layout: text, s: text) => dates::parse(layout, s);
    "unixEpoch" (time: time) => dates::unix_epoch(time);
    "duration" (seconds: value) => dates::duration(seconds);
    "durationRound" (duration: value, rt: runtime) => dates::duration_round(duration, rt);

    "base osBase" (path: text) => paths::base(path);
    "dir osDir" (path: text) => paths::dir(path);
    "clean osClean" (path: text) => paths::clean(path);
    "ext osExt" (path: text) => paths::ext(path);
    "isAbs osIsAbs" (path: text) => path.starts_with('/');

    "urlParse" (url: text) => urls::parse(url);
    "urlJoin" (parts: dict) => urls::join(parts);

    "semver" (version: text) => semver::semver(version);
    "semverCompare" (constraints: text, version: text) => semver::satisfies(constraints, version);

    // Methods of times and versions: see `prepare`.
    ".Compare" (one: version, other: version) => semver::compare(one, other);
    ".Format" (time: time, layout: text) => dates::format(time, layout);
}

/// The functions of sprig that are not supported, with the reason.
pub(super) static UNSUPPORTED: &[(&str, &str)] = &[
    (REGEX, "it needs an engine for regular expressions"),
    (KEYS, "it needs keys and certificates"),
    (PASSWORDS, "it needs ciphers and hashes for passwords"),
    (RANDOM, "it needs randomness"),
    ("getHostByName", "it needs the network"),
    ("sha1sum", "it needs SHA-1, which nothing else here does"),
];

const REGEX: &str = "regexMatch regexFind regexFindAll regexReplaceAll regexReplaceAllLiteral \
    regexSplit mustRegexMatch mustRegexFind mustRegexFindAll mustRegexReplaceAll \
    mustRegexReplaceAllLiteral mustRegexSplit";
const KEYS: &str = "buildCustomCert genCA genCAWithKey genPrivateKey genSelfSignedCert \
    genSelfSignedCertWithKey genSignedCert genSignedCertWithKey";
const PASSWORDS: &str = "bcrypt htpasswd derivePassword encryptAES decryptAES";
const RANDOM: &str =
    "randAlpha randAlphaNum randAscii randBytes randInt randNumeric shuffle uuidv4";
