//! Templates as they are read, checked and made ready for the engine.
//!
//! - Before anything runs it is found, as in Go, that a function, a variable, a loop around a `break`, or the end of a block
//!   is not there. The engine finds the former late or not at all, and takes a block without an end to end with the text.
//! - Actions that print get a last step, which makes text of what the engine prints in another way than Go.
//! - The dot of a template that is called comes through a step that counts. Without one it is nothing, as in Go.
//! - The engine's dictionaries never change. So an action that begins with `set $d …`, or with another function that changes
//!   its dictionary in sprig, assigns what that comes to to `$d`, before it goes on with it.
//! - Values of the engine have no methods. Where a field has arguments, a function is called with what it is a field of.

use gotmpl::parse::{
    ActionNode, BranchNode, CommandNode, DefineNode, Expr, ListNode, Node, Parser, PipeNode, Pos,
    SmolStr,
};
use gotmpl::{Result, TemplateError};

use super::{NAME, functions, limits};
use crate::cli::quote;

/// The step of actions that print. No template can spell such a name.
pub(super) const SHOW: &str = "make text";
/// The step of templates that are called.
pub(super) const ENTER: &str = "enter template";

/// What changes the dictionary that comes first, in sprig.
const CHANGING: [&str; 6] = [
    "set",
    "unset",
    "merge",
    "mustMerge",
    "mergeOverwrite",
    "mustMergeOverwrite",
];

/// Reads the text of a template: the body, and the templates that it defines.
pub(super) fn read(text: &str) -> Result<(ListNode, Vec<DefineNode>)> {
    check_chains(text)?;
    let (mut main, mut defines) = parsed(text)?;
    check_ends(text)?;
    let mut reader = Reader::default();
    for list in defines
        .iter_mut()
        .map(|define| &mut define.body)
        .chain([&mut main])
    {
        reader.variables = vec!["$".into()];
        reader.list(list);
    }
    match reader.wrong.into_iter().min_by_key(|(pos, _)| pos.offset) {
        Some((pos, message)) => Err(wrong(pos.line, message)),
        None => Ok((main, defines)),
    }
}

pub(super) fn parsed(text: &str) -> Result<(ListNode, Vec<DefineNode>)> {
    Parser::with_name(Some(NAME), text, "{{", "}}")?.parse()
}

pub(super) fn wrong(line: usize, message: String) -> TemplateError {
    TemplateError::Parse {
        name: None,
        line,
        col: 0,
        message,
    }
}

fn not_there(name: &str) -> String {
    let quoted = quote::double(name);
    match functions::left_out(name) {
        Some(reason) => format!("function {quoted} of sprig is not in this oras: {reason}"),
        None => format!("function {quoted} not defined"),
    }
}

/// That there are not too many `else if` and `else with`: to the parser each is within the one before, and it does not count.
fn check_chains(text: &str) -> Result<()> {
    let ends = text.split("else").skip(1).map(str::trim_start);
    let links = ends.filter(|rest| rest.starts_with("if") || rest.starts_with("with"));
    limits::within(
        links.count(),
        limits::MAX_CHAINED,
        "times else if and else with",
    )
    .map_err(TemplateError::Exec)
}

/// That what follows a template is in no block of it, and is not left out.
fn check_ends(text: &str) -> Result<()> {
    let (main, defines) = parsed(&format!("{text}\n{{{{0}}}}"))?;
    let follows = |list: &ListNode| match list.nodes.last() {
        Some(Node::Action(action)) => action.pos.offset >= text.len(),
        _ => false,
    };
    if follows(&main) {
        return Ok(());
    }
    let mut inner: Vec<&ListNode> = defines
        .iter()
        .map(|define| &define.body)
        .chain([&main])
        .collect();
    while let Some(list) = inner.pop() {
        if follows(list) {
            return Err(wrong(
                1 + text.matches('\n').count(),
                "unexpected EOF".to_owned(),
            ));
        }
        if let Some(Node::If(branch) | Node::Range(branch) | Node::With(branch)) = list.nodes.last()
        {
            inner.extend(bodies(branch));
        }
    }
    Err(wrong(
        main.nodes.last().map_or(1, line_of),
        "unexpected {{end}} or {{else}}".to_owned(),
    ))
}

fn bodies(branch: &BranchNode) -> impl Iterator<Item = &ListNode> {
    [&branch.body].into_iter().chain(&branch.else_body)
}

const fn line_of(node: &Node) -> usize {
    match node {
        Node::List(list) => list.pos.line,
        Node::Text(text) => text.pos.line,
        Node::Action(action) => action.pos.line,
        Node::If(branch) | Node::Range(branch) | Node::With(branch) => branch.pos.line,
        Node::Template(call) => call.pos.line,
        Node::Define(define) => define.pos.line,
        Node::Break(pos) | Node::Continue(pos) => pos.line,
    }
}

/// Goes through a template.
#[derive(Default)]
struct Reader {
    /// The variables that are known.
    variables: Vec<SmolStr>,
    /// How many loops are around.
    loops: usize,
    /// What is wrong, and where.
    wrong: Vec<(Pos, String)>,
}

impl Reader {
    fn list(&mut self, list: &mut ListNode) {
        for node in std::mem::take(&mut list.nodes) {
            let node = match node {
                Node::Action(mut action) => {
                    self.pipe(&mut action.pipe);
                    list.nodes.extend(change_in_place(&mut action.pipe));
                    if action.pipe.decl.is_empty() {
                        action.pipe.commands.push(step(action.pos, SHOW));
                    }
                    Node::Action(action)
                }
                Node::If(branch) => Node::If(self.branch(branch, 0)),
                Node::With(branch) => Node::With(self.branch(branch, 0)),
                Node::Range(branch) => Node::Range(self.branch(branch, 1)),
                Node::Template(mut call) => {
                    let pipe = call.pipe.get_or_insert(PipeNode {
                        pos: call.pos,
                        decl: Vec::new(),
                        commands: Vec::new(),
                        is_assign: false,
                    });
                    self.pipe(pipe);
                    pipe.commands.push(step(call.pos, ENTER));
                    Node::Template(call)
                }
                Node::Break(pos) => Node::Break(self.leave(pos, "{{break}}")),
                Node::Continue(pos) => Node::Continue(self.leave(pos, "{{continue}}")),
                other => other,
            };
            list.nodes.push(node);
        }
    }

    fn branch(&mut self, mut branch: BranchNode, loops: usize) -> BranchNode {
        let outside = self.variables.len();
        self.pipe(&mut branch.pipe);
        let inside = self.variables.len();
        self.loops += loops;
        self.list(&mut branch.body);
        self.loops -= loops;
        self.variables.truncate(inside);
        if let Some(body) = &mut branch.else_body {
            self.list(body);
        }
        self.variables.truncate(outside);
        branch
    }

    fn leave(&mut self, pos: Pos, what: &str) -> Pos {
        if self.loops == 0 {
            self.wrong
                .push((pos, format!("{what} outside {{{{range}}}}")));
        }
        pos
    }

    fn pipe(&mut self, pipe: &mut PipeNode) {
        for (index, command) in pipe.commands.iter_mut().enumerate() {
            call_method(command, index > 0);
            for arg in &mut command.args {
                self.expr(arg);
            }
        }
        for name in &pipe.decl {
            if pipe.is_assign {
                self.variable(pipe.pos, name);
            } else {
                self.variables.push(name.clone());
            }
        }
    }

    fn expr(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Pipe(_, pipe) => self.pipe(pipe),
            Expr::Chain(_, inner, _) => self.expr(inner),
            Expr::Variable(pos, name, _) => self.variable(*pos, name),
            Expr::Identifier(pos, name) if !functions::is_there(name) => {
                self.wrong.push((*pos, not_there(name)));
            }
            _ => {}
        }
    }

    fn variable(&mut self, pos: Pos, name: &SmolStr) {
        if !self.variables.contains(name) {
            let name = quote::double(name);
            self.wrong.push((pos, format!("undefined variable {name}")));
        }
    }
}

/// If a field has arguments, makes it a call of what [`functions`] has for methods of this name.
fn call_method(command: &mut CommandNode, piped: bool) {
    if command.args.len() < 2 && !piped {
        return;
    }
    let first = &mut command.args[0];
    let pos = first.pos();
    let (Expr::Field(_, fields) | Expr::Variable(_, _, fields) | Expr::Chain(_, _, fields)) = first
    else {
        return;
    };
    let Some(method) = fields.last().map(|name| format!(".{name}")) else {
        return;
    };
    if functions::is_there(&method) {
        fields.pop();
        command.args.insert(0, Expr::Identifier(pos, method.into()));
    }
}

fn step(pos: Pos, name: &str) -> CommandNode {
    CommandNode {
        pos,
        args: vec![Expr::Identifier(pos, name.into())],
    }
}

/// If a pipe begins with changing a dictionary, takes that out of it.
fn change_in_place(pipe: &mut PipeNode) -> Option<Node> {
    let command = pipe.commands.first_mut()?;
    let [
        Expr::Identifier(_, function),
        Expr::Variable(pos, name, fields),
        ..,
    ] = &*command.args
    else {
        return None;
    };
    if !CHANGING.contains(&function.as_str()) || !fields.is_empty() {
        return None;
    }
    let (pos, decl) = (*pos, vec![name.clone()]);
    let changed = vec![Expr::Variable(pos, name.clone(), Vec::new())];
    let change = CommandNode {
        pos,
        args: std::mem::replace(&mut command.args, changed),
    };
    Some(Node::Action(ActionNode {
        pos,
        pipe: PipeNode {
            pos,
            decl,
            commands: vec![change],
            is_assign: true,
        },
    }))
}
