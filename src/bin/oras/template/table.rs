//! The functions: one table of those that there are, and one of those of sprig that are left out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use gotmpl::{Template, TemplateError, Value};

use super::limits;
use super::values::{self, Members, Outcome, type_name};
use super::{
    builtins, dates, defaults, dicts, encoding, lists, math, paths, semver, strings, urls,
};

/// What functions know of the world, and how much they have made.
pub(super) struct World {
    /// The environment.
    pub(super) variables: Vec<(String, String)>,
    pub(super) now: SystemTime,
    made: AtomicUsize,
}

impl World {
    pub(super) const fn new(variables: Vec<(String, String)>, now: SystemTime) -> Self {
        Self {
            variables,
            now,
            made: AtomicUsize::new(0),
        }
    }

    /// Takes a call, and what it made, from what one template may use.
    pub(super) fn spend(&self, made: usize) -> Result<(), String> {
        self.take(made + limits::COST_OF_CALL)
    }

    /// Takes what is looked at: bytes of a text, or items of a list.
    pub(super) fn read(&self, count: usize) -> Result<(), String> {
        self.take(count / limits::READ_FOR_MADE)
    }

    fn take(&self, cost: usize) -> Result<(), String> {
        let spent = self.made.fetch_add(cost, Ordering::Relaxed) + cost;
        limits::within(spent, limits::MAX_MADE, "bytes and items made in all")
    }
}

/// A function.
pub(super) struct Function {
    /// Its names, with spaces between them.
    pub(super) names: &'static str,
    /// A letter for the type of each parameter: **s**tring, **i**nt, **f**loat64, **b**ool, **m**ap, **t**ime, **v**ersion,
    /// `*` for any. A `+` at the end: any number of the last one.
    takes: Letters,
    body: fn(&Given<'_>) -> Outcome,
}

/// As many as the longest needs, filled with spaces. A table of these needs no addresses that are to be relocated.
type Letters = [u8; 4];

const fn function(
    names: &'static str,
    takes: &'static str,
    body: fn(&Given<'_>) -> Outcome,
) -> Function {
    let bytes = takes.as_bytes();
    let mut letters = [b' '; 4];
    let mut index = 0;
    while index < bytes.len() {
        letters[index] = bytes[index];
        index += 1;
    }
    Function {
        names,
        takes: letters,
        body,
    }
}

/// What a function is called with. There are as many values as it takes, of these types.
pub(super) struct Given<'a> {
    pub(super) values: &'a [Value],
    pub(super) world: &'a World,
}

impl<'a> Given<'a> {
    pub(super) fn get(&self, index: usize) -> &'a Value {
        self.values.get(index).unwrap_or(&Value::Nil)
    }

    pub(super) fn from(&self, index: usize) -> &'a [Value] {
        self.values.get(index..).unwrap_or_default()
    }

    #[inline(never)]
    pub(super) fn text(&self, index: usize) -> &'a str {
        self.get(index).as_str().unwrap_or_default()
    }

    #[inline(never)]
    pub(super) fn int(&self, index: usize) -> i64 {
        self.get(index).as_int().unwrap_or(0)
    }

    /// A dictionary; an empty one where none is given.
    pub(super) fn dict(&self, index: usize) -> &'a Members {
        static NONE: Members = Members::new();
        match self.get(index) {
            Value::Map(members) => members,
            _ => &NONE,
        }
    }

    pub(super) fn member(&self, index: usize, name: &str) -> Option<&'a Value> {
        self.get(index).field(name)
    }
}

/// Calls a function under one of its names.
fn call(function: &Function, name: &str, values: &[Value], world: &World) -> Outcome {
    let (fixed, more) = match function.takes.trim_ascii_end() {
        [fixed @ .., more, b'+'] => (fixed, Some(*more)),
        fixed => (fixed, None),
    };
    let (least, count) = (fixed.len(), values.len());
    if count < least || more.is_none() && count > least {
        let least = match more {
            Some(_) => format!("at least {least}"),
            None => least.to_string(),
        };
        return Err(format!(
            "wrong number of args for {name}: want {least} got {count}"
        ));
    }
    let letters = fixed.iter().copied().chain(more.into_iter().cycle());
    for (value, letter) in values.iter().zip(letters) {
        check(value, letter)?;
    }
    let failed = |message| format!("error calling {name}: {message}");
    world
        .read(values.iter().map(values::length).sum())
        .map_err(failed)?;
    let value = (function.body)(&Given { values, world }).map_err(failed)?;
    values::size(&value)
        .and_then(|size| world.spend(size))
        .map_err(failed)?;
    Ok(value)
}

/// That a value has the type of a parameter.
fn check(value: &Value, letter: u8) -> Result<(), String> {
    let wanted = match letter {
        b's' => "string",
        b'i' => "int",
        b'f' => "float64",
        b'b' => "bool",
        b'm' => "map[string]interface {}",
        b't' => "time.Time",
        b'v' => "*semver.Version",
        _ => return Ok(()),
    };
    match (value, type_name(value)) {
        (Value::Nil, _) if letter == b'm' => Ok(()),
        (Value::Nil, _) => Err(format!("invalid value; expected {wanted}")),
        (Value::Int(_), _) if letter == b'f' => Ok(()),
        (_, given) if given == wanted => Ok(()),
        (_, given) => Err(format!(
            "wrong type for value; expected {wanted}; got {given}"
        )),
    }
}

/// Makes all functions known to a template.
pub(super) fn register(mut template: Template, world: &Arc<World>) -> Template {
    for function in TABLE {
        for name in function.names.split(' ') {
            let world = Arc::clone(world);
            template = template.func(name, move |values| {
                call(function, name, values, &world).map_err(TemplateError::Exec)
            });
        }
    }
    template
}

fn is_in(names: &str, name: &str) -> bool {
    names.split(' ').any(|known| known == name)
}

/// Whether there is a function of this name.
pub(super) fn is_there(name: &str) -> bool {
    is_in(OF_ENGINE, name) || TABLE.iter().any(|function| is_in(function.names, name))
}

/// Why a function of sprig is not there.
pub(super) fn left_out(name: &str) -> Option<&'static str> {
    let row = LEFT_OUT.iter().find(|(names, _)| is_in(names, name));
    row.map(|(_, reason)| *reason)
}

/// The functions of Go that the engine has. `slice` is sprig's.
pub(super) const OF_ENGINE: &str = "and or not call index len eq ne lt le gt ge";

/// All other functions.
#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    // Go's own.
    function("html", "*+", builtins::html),
    function("js", "*+", builtins::js),
    function("urlquery", "*+", builtins::urlquery),
    function("print", "*+", builtins::print),
    function("println", "*+", builtins::println),
    function("printf", "s*+", builtins::printf),

    function("hello", "", strings::hello),
    function("fail", "s", strings::fail),
    function("abbrev", "is", strings::abbrev),
    function("abbrevboth", "iis", strings::abbrevboth),
    function("trunc", "is", strings::trunc),
    function("trim", "s", strings::trim),
    function("trimAll trimall", "ss", strings::trim_all),
    function("trimPrefix", "ss", strings::trim_prefix),
    function("trimSuffix", "ss", strings::trim_suffix),
    function("upper", "s", strings::upper),
    function("lower", "s", strings::lower),
    function("title", "s", strings::title),
    function("untitle", "s", strings::untitle),
    function("swapcase", "s", strings::swapcase),
    function("camelcase", "s", strings::camelcase),
    function("snakecase", "s", strings::snakecase),
    function("kebabcase", "s", strings::kebabcase),
    function("substr", "iis", strings::substr),
    function("repeat", "is", strings::repeat),
    function("nospace", "s", strings::nospace),
    function("initials", "s", strings::initials),
    function("wrap", "is", strings::wrap),
    function("wrapWith", "iss", strings::wrap_with),
    function("contains", "ss", strings::contains),
    function("hasPrefix", "ss", strings::has_prefix),
    function("hasSuffix", "ss", strings::has_suffix),
    function("quote", "*+", strings::quote),
    function("squote", "*+", strings::squote),
    function("cat", "*+", strings::cat),
    function("indent", "is", strings::indent),
    function("nindent", "is", strings::nindent),
    function("replace", "sss", strings::replace),
    function("plural", "ssi", strings::plural),
    function("regexQuoteMeta", "s", strings::regex_quote_meta),
    function("toString", "*", strings::to_string),
    function("toStrings", "*", strings::to_strings),
    function("join", "s*", strings::join),
    function("split", "ss", strings::split),
    function("splitList", "ss", strings::split_list),
    function("splitn", "sis", strings::splitn),

    function("atoi", "s", math::atoi),
    function("int", "*", math::int),
    function("int64", "*", math::int64),
    function("float64", "*", math::float64),
    function("toDecimal", "*", math::to_decimal),
    function("add1", "*", math::add1),
    function("add", "*+", math::add),
    function("sub", "**", math::sub),
    function("mul", "**+", math::mul),
    function("div", "**", math::div),
    function("mod", "**", math::modulo),
    function("add1f", "*", math::add1f),
    function("addf", "*+", math::addf),
    function("subf", "**+", math::subf),
    function("mulf", "**+", math::mulf),
    function("divf", "**+", math::divf),
    function("max biggest", "**+", math::max),
    function("min", "**+", math::min),
    function("maxf", "**+", math::maxf),
    function("minf", "**+", math::minf),
    function("ceil", "*", math::ceil),
    function("floor", "*", math::floor),
    function("round", "*if+", math::round),
    function("until", "i", math::until),
    function("untilStep", "iii", math::until_step),
    function("seq", "i+", math::seq),

    function("list tuple", "*+", lists::list),
    function("append mustAppend push mustPush", "**", lists::append),
    function("prepend mustPrepend", "**", lists::prepend),
    function("concat", "*+", lists::concat),
    function("first mustFirst", "*", lists::first),
    function("last mustLast", "*", lists::last),
    function("rest mustRest", "*", lists::rest),
    function("initial mustInitial", "*", lists::initial),
    function("reverse mustReverse", "*", lists::reverse),
    function("compact mustCompact", "*", lists::compact),
    function("uniq mustUniq", "*", lists::uniq),
    function("without mustWithout", "**+", lists::without),
    function("has mustHas", "**", lists::has),
    function("slice mustSlice", "**+", lists::slice),
    function("chunk mustChunk", "i*", lists::chunk),
    function("sortAlpha", "*", lists::sort_alpha),

    function("dict", "*+", dicts::dict),
    function("get", "ms", dicts::get),
    function("set", "ms*", dicts::set),
    function("unset", "ms", dicts::unset),
    function("hasKey", "ms", dicts::has_key),
    function("keys", "m+", dicts::keys),
    function("values", "m", dicts::values),
    function("pluck", "sm+", dicts::pluck),
    function("pick", "ms+", dicts::pick),
    function("omit", "ms+", dicts::omit),
    function("dig", "*+", dicts::dig),
    function("merge mustMerge", "mm+", dicts::merge),
    function("mergeOverwrite mustMergeOverwrite", "mm+", dicts::merge_overwrite),

    function("default", "**+", defaults::default),
    function("empty", "*", defaults::empty),
    function("coalesce", "*+", defaults::coalesce),
    function("all", "*+", defaults::all),
    function("any", "*+", defaults::any),
    function("ternary", "**b", defaults::ternary),
    function("typeOf", "*", defaults::type_of),
    function("typeIs", "s*", defaults::type_is),
    function("typeIsLike", "s*", defaults::type_is_like),
    function("kindOf", "*", defaults::kind_of),
    function("kindIs", "s*", defaults::kind_is),
    function("deepEqual", "**", defaults::deep_equal),
    function("deepCopy mustDeepCopy", "*", defaults::deep_copy),
    function("env", "s", defaults::env),
    function("expandenv", "s", defaults::expandenv),

    function("fromJson", "s", encoding::from_json),
    function("mustFromJson", "s", encoding::must_from_json),
    function("toJson", "*", encoding::to_json),
    function("mustToJson", "*", encoding::must_to_json),
    function("toPrettyJson", "*", encoding::to_pretty_json),
    function("mustToPrettyJson", "*", encoding::must_to_pretty_json),
    function("toRawJson mustToRawJson", "*", encoding::to_raw_json),
    function("b64enc", "s", encoding::b64enc),
    function("b64dec", "s", encoding::b64dec),
    function("b32enc", "s", encoding::b32enc),
    function("b32dec", "s", encoding::b32dec),
    function("sha256sum", "s", encoding::sha256sum),
    function("sha512sum", "s", encoding::sha512sum),
    function("adler32sum", "s", encoding::adler32sum),

    function("now", "", dates::now),
    function("ago", "*", dates::ago),
    function("date", "s*", dates::date),
    function("dateInZone date_in_zone", "s*s", dates::date_in_zone),
    function("htmlDate", "*", dates::html_date),
    function("htmlDateInZone", "*s", dates::html_date_in_zone),
    function("dateModify date_modify", "st", dates::date_modify),
    function("mustDateModify must_date_modify", "st", dates::must_date_modify),
    function("toDate", "ss", dates::to_date),
    function("mustToDate", "ss", dates::must_to_date),
    function("unixEpoch", "t", dates::unix_epoch),
    function("duration", "*", dates::duration),
    function("durationRound", "*", dates::duration_round),

    function("base osBase", "s", paths::base),
    function("dir osDir", "s", paths::dir),
    function("clean osClean", "s", paths::clean),
    function("ext osExt", "s", paths::ext),
    function("isAbs osIsAbs", "s", paths::is_abs),

    function("urlParse", "s", urls::parse),
    function("urlJoin", "m", urls::join),

    function("semver", "s", semver::semver),
    function("semverCompare", "ss", semver::compare),

    // Methods: see `tree`.
    function(".Compare", "vv", semver::compare_with),
    function(".Format", "ts", dates::format),
];

const REGEX: &str = "it needs an engine for regular expressions";
const KEYS: &str = "it needs keys and certificates";
const PASSWORDS: &str = "it needs ciphers and hashes for passwords";
const RANDOM: &str = "it needs randomness";

/// The functions of sprig that are not there, and why.
pub(super) static LEFT_OUT: &[(&str, &str)] = &[
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
