//! The table of template functions: name, implementation and parameters; and the functions of sprig
//! that are not supported.

use std::sync::Arc;

use gotmpl::{Template, TemplateError};

use super::args::{Function, IntoOutcome as _, Kind, Parameter, Parameters};
use super::functions::{
    dates, defaults, dicts, encoding, lists, math, paths, printf, printing, semver, strings, urls,
    words,
};
use super::runtime::Runtime;
use super::values;

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

/// The [`Parameter`] for a method of [`Args`](super::args::Args).
macro_rules! parameter {
    (value) => {
        Parameter::One(Kind::Any)
    };
    (integer) => {
        Parameter::One(Kind::Any)
    };
    (number) => {
        Parameter::One(Kind::Any)
    };
    (text) => {
        Parameter::One(Kind::Text)
    };
    (int) => {
        Parameter::One(Kind::Int)
    };
    (bool) => {
        Parameter::One(Kind::Bool)
    };
    (dict) => {
        Parameter::One(Kind::Dict)
    };
    (any_dict) => {
        Parameter::One(Kind::Dict)
    };
    (time) => {
        Parameter::One(Kind::Time)
    };
    (version) => {
        Parameter::One(Kind::Version)
    };
    (values) => {
        Parameter::Rest(Kind::Any)
    };
    (integers) => {
        Parameter::Rest(Kind::Any)
    };
    (numbers) => {
        Parameter::Rest(Kind::Any)
    };
    (texts) => {
        Parameter::Rest(Kind::Text)
    };
    (ints) => {
        Parameter::Rest(Kind::Int)
    };
    (floats) => {
        Parameter::Rest(Kind::Float)
    };
    (dicts) => {
        Parameter::Rest(Kind::Dict)
    };
    (runtime) => {
        Parameter::Runtime
    };
}

macro_rules! functions {
    ($($names:literal => $module:ident::$function:ident($($parameter:ident),*);)*) => {
        /// All functions that the engine does not implement.
        pub(super) static TABLE: &[Function] = &[$(
            Function {
                names: $names,
                parameters: Parameters::new([$(parameter!($parameter)),*]),
                body: |args| {
                    let result = $module::$function($(args.$parameter()),*);
                    args.finish();
                    result.into_outcome()
                },
            },
        )*];
    };
}

functions! {
    // Go's own.
    "html" => printing::html(values);
    "js" => printing::js(values);
    "urlquery" => printing::urlquery(values);
    "print" => printing::print(values);
    "println" => printing::println(values);
    "printf" => printf::printf(text, values, runtime);

    "hello" => strings::hello();
    "fail" => strings::fail(text);
    "abbrev" => strings::abbrev(int, text);
    "abbrevboth" => strings::abbrevboth(int, int, text);
    "trunc" => strings::trunc(int, text);
    "trim" => strings::trim(text);
    "trimAll trimall" => strings::trim_all(text, text);
    "trimPrefix" => strings::trim_prefix(text, text);
    "trimSuffix" => strings::trim_suffix(text, text);
    "upper" => strings::upper(text);
    "lower" => strings::lower(text);
    "title" => strings::title(text);
    "untitle" => strings::untitle(text);
    "swapcase" => strings::swapcase(text);
    "camelcase" => words::camelcase(text);
    "snakecase" => words::snakecase(text);
    "kebabcase" => words::kebabcase(text);
    "substr" => strings::substr(int, int, text);
    "repeat" => strings::repeat(int, text);
    "nospace" => strings::nospace(text);
    "initials" => strings::initials(text);
    "wrap" => strings::wrap(int, text);
    "wrapWith" => strings::wrap_with(int, text, text);
    "contains" => strings::contains(text, text);
    "hasPrefix" => strings::has_prefix(text, text);
    "hasSuffix" => strings::has_suffix(text, text);
    "quote" => strings::quote(values);
    "squote" => strings::squote(values);
    "cat" => strings::cat(values);
    "indent" => strings::indent(int, text);
    "nindent" => strings::nindent(int, text);
    "replace" => strings::replace(text, text, text);
    "plural" => strings::plural(text, text, int);
    "regexQuoteMeta" => strings::regex_quote_meta(text);
    "toString" => values::text(value);
    "toStrings" => strings::to_strings(value);
    "join" => strings::join(text, value);
    "split" => strings::split(text, text);
    "splitList" => strings::split_list(text, text);
    "splitn" => strings::splitn(text, int, text);

    "atoi" => math::atoi(text);
    "int" => math::int(integer);
    "int64" => math::int(integer);
    "float64" => math::float64(number);
    "toDecimal" => math::to_decimal(value);
    "add1" => math::add1(integer);
    "add" => math::add(integers);
    "sub" => math::sub(integer, integer);
    "mul" => math::mul(integer, integers);
    "div" => math::div(integer, integer);
    "mod" => math::modulo(integer, integer);
    "add1f" => math::add1f(number);
    "addf" => math::addf(numbers);
    "subf" => math::subf(number, numbers);
    "mulf" => math::mulf(number, numbers);
    "divf" => math::divf(number, numbers);
    "max biggest" => math::max(integer, integers);
    "min" => math::min(integer, integers);
    "maxf" => math::maxf(number, numbers);
    "minf" => math::minf(number, numbers);
    "ceil" => math::ceil(number);
    "floor" => math::floor(number);
    "round" => math::round(number, int, floats);
    "until" => math::until(int);
    "untilStep" => math::until_step(int, int, int);
    "seq" => math::seq(ints);

    "list tuple" => lists::list(values);
    "append mustAppend push mustPush" => lists::append(value, value);
    "prepend mustPrepend" => lists::prepend(value, value);
    "concat" => lists::concat(values);
    "first mustFirst" => lists::first(value);
    "last mustLast" => lists::last(value);
    "rest mustRest" => lists::rest(value);
    "initial mustInitial" => lists::initial(value);
    "reverse mustReverse" => lists::reverse(value);
    "compact mustCompact" => lists::compact(value);
    "uniq mustUniq" => lists::uniq(value, runtime);
    "without mustWithout" => lists::without(value, values, runtime);
    "has mustHas" => lists::has(value, value, runtime);
    "slice mustSlice" => lists::slice(value, values);
    "chunk mustChunk" => lists::chunk(int, value);
    "sortAlpha" => lists::sort_alpha(value);

    "dict" => dicts::dict(values);
    "get" => dicts::get(dict, text);
    "set" => dicts::set(any_dict, text, value);
    "unset" => dicts::unset(dict, text);
    "hasKey" => dicts::has_key(dict, text);
    "keys" => dicts::keys(dicts);
    "values" => dicts::values(dict);
    "pluck" => dicts::pluck(text, dicts);
    "pick" => dicts::pick(dict, texts);
    "omit" => dicts::omit(dict, texts);
    "dig" => dicts::dig(values);
    "merge mustMerge" => dicts::merge(dict, dicts);
    "mergeOverwrite mustMergeOverwrite" => dicts::merge_overwrite(dict, dicts);

    "default" => defaults::default(value, values);
    "empty" => defaults::empty(value);
    "coalesce" => defaults::coalesce(values);
    "all" => defaults::all(values);
    "any" => defaults::any(values);
    "ternary" => defaults::ternary(value, value, bool);
    "typeOf" => defaults::type_of(value);
    "typeIs" => defaults::type_is(text, value);
    "typeIsLike" => defaults::type_is_like(text, value);
    "kindOf" => defaults::kind_of(value);
    "kindIs" => defaults::kind_is(text, value);
    "deepEqual" => defaults::deep_equal(value, value, runtime);
    "deepCopy mustDeepCopy" => defaults::deep_copy(value);
    "env" => defaults::env(text, runtime);
    "expandenv" => defaults::expandenv(text, runtime);

    "fromJson" => encoding::from_json(text);
    "mustFromJson" => encoding::must_from_json(text);
    "toJson" => encoding::to_json(value);
    "mustToJson" => encoding::must_to_json(value);
    "toPrettyJson" => encoding::to_pretty_json(value);
    "mustToPrettyJson" => encoding::must_to_pretty_json(value);
    "toRawJson mustToRawJson" => encoding::to_raw_json(value);
    "b64enc" => encoding::b64enc(text);
    "b64dec" => encoding::b64dec(text);
    "b32enc" => encoding::b32enc(text);
    "b32dec" => encoding::b32dec(text);
    "sha256sum" => encoding::sha256sum(text);
    "sha512sum" => encoding::sha512sum(text);
    "adler32sum" => encoding::adler32sum(text);

    "now" => dates::now(runtime);
    "ago" => dates::ago(value, runtime);
    "date" => dates::date(text, value, runtime);
    "dateInZone date_in_zone" => dates::date_in_zone(text, value, text, runtime);
    "htmlDate" => dates::html_date(value, runtime);
    "htmlDateInZone" => dates::html_date_in_zone(value, text, runtime);
    "dateModify date_modify" => dates::date_modify(text, time);
    "mustDateModify must_date_modify" => dates::must_date_modify(text, time);
    "toDate" => dates::to_date(text, text);
    "mustToDate" => dates::must_to_date(text, text);
    "unixEpoch" => dates::unix_epoch(time);
    "duration" => dates::duration(value);
    "durationRound" => dates::duration_round(value, runtime);

    "base osBase" => paths::base(text);
    "dir osDir" => paths::dir(text);
    "clean osClean" => paths::clean(text);
    "ext osExt" => paths::ext(text);
    "isAbs osIsAbs" => paths::is_abs(text);

    "urlParse" => urls::parse(text);
    "urlJoin" => urls::join(dict);

    "semver" => semver::semver(text);
    "semverCompare" => semver::satisfies(text, text);

    // Methods of times and versions: see `prepare`.
    ".Compare" => semver::compare(version, version);
    ".Format" => dates::format(time, text);
}

const REGEX: &str = "it needs an engine for regular expressions";
const KEYS: &str = "it needs keys and certificates";
const PASSWORDS: &str = "it needs ciphers and hashes for passwords";
const RANDOM: &str = "it needs randomness";

/// The functions of sprig that are not supported, with the reason.
pub(super) static UNSUPPORTED: &[(&str, &str)] = &[
    (
        "regexMatch regexFind regexFindAll regexReplaceAll regexReplaceAllLiteral regexSplit",
        REGEX,
    ),
    (
        "mustRegexMatch mustRegexFind mustRegexFindAll mustRegexReplaceAll mustRegexReplaceAllLiteral mustRegexSplit",
        REGEX,
    ),
    (
        "buildCustomCert genCA genCAWithKey genPrivateKey genSelfSignedCert genSelfSignedCertWithKey genSignedCert genSignedCertWithKey",
        KEYS,
    ),
    (
        "bcrypt htpasswd derivePassword encryptAES decryptAES",
        PASSWORDS,
    ),
    (
        "randAlpha randAlphaNum randAscii randBytes randInt randNumeric shuffle uuidv4",
        RANDOM,
    ),
    ("getHostByName", "it needs the network"),
    ("sha1sum", "it needs SHA-1, which nothing else here does"),
];
