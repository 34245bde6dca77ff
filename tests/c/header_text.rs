//! What include/oss_upload.h declares, read from its text: cbindgen's form is regular enough for that.
#![allow(dead_code, reason = "each test binary uses some of it")]

use std::fs;

use super::toolchain::root;

/// Something that the header declares, and whether documentation stands right above it.
#[derive(Debug, Clone)]
pub struct Declared {
    pub name: String,
    /// The line that declares it.
    pub code: String,
    pub documented: bool,
}

#[derive(Debug, Default)]
pub struct Header {
    pub functions: Vec<Declared>,
    pub types: Vec<Declared>,
    /// Fields of structs and values of enums, as `type.member`.
    pub members: Vec<Declared>,
    pub constants: Vec<Declared>,
}

pub fn header() -> Header {
    let path = root().join("include/oss_upload.h");
    parse(&fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

pub fn parse(text: &str) -> Header {
    let mut header = Header::default();
    let mut members = Vec::new();
    let (mut in_comment, mut documented, mut in_body) = (false, false, false);
    for line in text.lines() {
        let code = line.trim();
        if in_comment || code.starts_with("/*") {
            in_comment = !code.ends_with("*/");
            documented = code.ends_with("*/");
            continue;
        }
        let declared = |name: &str| Declared { name: name.to_owned(), code: code.to_owned(), documented };
        if let Some(rest) = code.strip_prefix("#define OSS_") {
            let name = rest.split_whitespace().next().expect("a macro has a name");
            if !name.starts_with("VERSION_M") && !name.starts_with("VERSION_P") && name != "UPLOAD_H" {
                header.constants.push(declared(&format!("OSS_{name}")));
            }
        } else if code.starts_with("typedef enum {") || code.starts_with("typedef struct {") {
            in_body = true;
            header.types.push(declared(""));
        } else if in_body && code.starts_with('}') {
            in_body = false;
            let name = code.trim_start_matches('}').trim().trim_end_matches(';');
            header.types.last_mut().expect("the type was begun").name = name.to_owned();
            let of_this = members
                .drain(..)
                .map(|member: Declared| Declared { name: format!("{name}.{}", member.name), ..member });
            header.members.extend(of_this);
        } else if in_body {
            members.extend(member(code).map(declared));
        } else if let Some(rest) = code.strip_prefix("typedef ") {
            header.types.push(declared(
                rest.split(['(', ')', '*', ' ', ';']).rfind(|word| word.starts_with("oss_")).unwrap_or(rest),
            ));
        } else if !line.starts_with(' ')
            && let Some((before, _)) = code.split_once('(')
            && let Some(name) = before.split([' ', '*']).next_back().filter(|name| name.starts_with("oss_"))
            && !code.starts_with("static inline")
        {
            header.functions.push(declared(name));
        }
        documented = false;
    }
    header
}

/// The name in `const char *endpoint;`, `uint32_t reserved[19];` or `OSS_OK = 0,`.
fn member(code: &str) -> Option<&str> {
    let declaration = code.trim_end_matches([';', ',']);
    let declaration = declaration.split(" =").next().unwrap_or(declaration);
    declaration.split('[').next()?.split([' ', '*']).next_back().filter(|name| !name.is_empty())
}

/// What programs of the tests include to name each option once: `CLIENT_OPTION(kind, field, plain)`, `UPLOAD_OPTION(..)` and
/// `BATCH_OPTION(..)`, with the kind `text` or `number`, the name in C and the one without a unit. Headers are not among them:
/// they are many.
pub fn options_inc() -> String {
    let line = |member: &Declared| {
        let (of, field) = member.name.split_once('.').expect("a member is named TYPE.FIELD");
        let macro_name = match of {
            "oss_client_options" => "CLIENT_OPTION",
            "oss_upload_options" => "UPLOAD_OPTION",
            "oss_batch_options" => "BATCH_OPTION",
            _ => return None,
        };
        if ["struct_size", "headers", "header_count"].contains(&field) || field.starts_with("reserved") {
            return None;
        }
        let kind = if member.code.starts_with("const char *") { "text" } else { "number" };
        let plain = field.strip_suffix("_ms").unwrap_or(field);
        // A macro that the including file does not define at the moment means nothing.
        Some(format!("#ifdef {macro_name}\n{macro_name}({kind}, {field}, {plain})\n#endif\n"))
    };
    let lines: Vec<String> = header().members.iter().filter_map(line).collect();
    assert!(lines.len() >= 52, "where are the options? {lines:?}");
    lines.concat()
}
